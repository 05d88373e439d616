package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One path, and every file that rotation puts there: finds out what is at the path, where the files
 * went that were there, and keeps the {@link FileChain} that is read.
 *
 * <p>Confined to the polling thread.
 */
final class FollowedPath {
  /** After a failure the path is tried again in this time. */
  static final Duration RETRY = Duration.ofSeconds(2);

  /** A file may be taken over by another path once its own has been missing for so long. */
  private static final Duration ORPHANED = Duration.ofSeconds(2);

  /** A file that is renamed again and again while it is opened is given up after so many tries. */
  private static final int MAX_RENAMES = 10;

  /** A file that is renamed while directories are searched for it is searched for so many times. */
  private static final int MAX_SEARCHES = 4;

  private static final Logger logger = LoggerFactory.getLogger(FollowedPath.class);

  private final ReadContext context;
  private final Path path;
  private final KnownFiles known;
  private final FileChain chain;
  private Path realPath;
  private Set<Path> places;

  private boolean startAtEnd;
  private boolean isNew = true;
  private @Nullable SavedFile startFrom;
  private List<SavedFile> toResume = List.of();

  private boolean lookDue = true;
  private long lookedAt;
  private @Nullable Long retryAt;
  private @Nullable Long missingSince;
  private @Nullable FileFacts foreign;
  private @Nullable FollowedPath foreignOwner;
  private boolean copy;
  private String trouble = "";
  private String remark = "";
  private String loss = "";

  /**
   * @param startAtEnd what the file holds at the first look is not wanted
   */
  FollowedPath(ReadContext context, Path path, boolean startAtEnd) {
    this.context = context;
    this.path = path;
    this.startAtEnd = startAtEnd;
    realPath = path;
    places = SymbolicLinks.places(path);
    known = new KnownFiles(this, context.owners());
    chain = new FileChain(context, this, known, path.toString());
    lookedAt = context.nanos();
  }

  /** Goes on where a checkpoint says; before the first look. */
  void resume(SavedStream saved) {
    startAtEnd = false;
    isNew = false;
    realPath = saved.realPath();
    toResume = saved.files();
    saved.known().forEach(known::add);
  }

  // ---- looking ----

  /** Finds out which file is at the path now. */
  void look() {
    long now = context.nanos();
    Long retry = retryAt;
    if (retry != null && now - retry < 0) {
      return;
    }
    retryAt = null;
    lookDue = false;
    lookedAt = now;
    try {
      resumeSaved();
      reopen();
      lookAt(stat());
      if (!trouble.isEmpty()) {
        logger.atInfo().addKeyValue("file", path).log("File can be read again");
        trouble = "";
      }
    } catch (IOException e) {
      failed(e);
    }
  }

  private void failed(IOException e) {
    String what =
        e instanceof AccessDeniedException
            ? "permission denied; let the user of ip-sentry read it, for instance by its group"
            : String.valueOf(e);
    context.countError();
    retryAt = context.nanos() + RETRY.toNanos();
    lookDue = true;
    if (!what.equals(trouble)) {
      trouble = what;
      logger
          .atWarn()
          .addKeyValue("file", path)
          .addKeyValue("cause", what)
          .addKeyValue("retry", RETRY)
          .log("File cannot be read");
    }
  }

  private @Nullable FileFacts stat() throws IOException {
    try {
      FileFacts facts = FileFacts.of(path);
      remark = facts.regular() ? "" : "not a regular file";
      return facts.regular() ? facts : null;
    } catch (NoSuchFileException | NotDirectoryException e) {
      return null;
    }
  }

  private void lookAt(@Nullable FileFacts facts) throws IOException {
    boolean first = startAtEnd;
    startAtEnd = false;
    if (facts == null) {
      if (missingSince == null) {
        missingSince = context.nanos();
      }
      foreign = null;
      copy = false;
      letGo();
      return;
    }
    missingSince = null;
    TailedFile here = chain.current();
    if (here != null && here.id().equals(facts.id())) {
      stillHere(here, facts);
      return;
    }
    if (first) {
      startFrom = SavedFile.unread(facts).at(facts.size());
    }
    if (isNew) {
      isNew = false;
      rememberRotated();
    }
    FollowedPath owner = owner(facts, path);
    if (owner == null) {
      arrived(facts);
    } else if (owner.equals(this)) {
      bringBack(facts);
    } else {
      belongsTo(owner, facts);
    }
  }

  private void stillHere(TailedFile here, FileFacts facts) throws IOException {
    here.seen(facts, context.nanos());
    if (!here.isOpen() && here.hasUnread()) {
      if (here.position() > facts.size() || openAt(path, facts.id(), here) == Opened.DIFFERENT) {
        truncated(here);
        openAt(path, facts.id(), here);
      }
    }
  }

  /** The file is another stream's: leaves it there, unless that one has done with it. */
  private void belongsTo(FollowedPath owner, FileFacts facts) throws IOException {
    letGo();
    foreign = facts;
    foreignOwner = owner;
    Optional<SavedFile> left = owner.leave(facts);
    if (left.isPresent()) {
      foreign = null;
      begin(left.get(), facts);
    }
  }

  /** Gives up a file that another path has and this one does not read on, if there is one. */
  private Optional<SavedFile> leave(FileFacts facts) {
    Optional<SavedFile> finished = known.get(facts.id());
    if (finished.isPresent()) {
      return finished.get().position() < facts.size() ? known.remove(facts.id()) : Optional.empty();
    }
    Long since = missingSince;
    Optional<TailedFile> draining = chain.get(facts.id());
    if (draining.isEmpty()
        || since == null
        || context.nanos() - since < ORPHANED.toNanos()
        || draining.get().equals(chain.current())) {
      return Optional.empty();
    }
    chain.close(draining.get());
    chain.remove(draining.get());
    return draining.map(TailedFile::savedAtPosition);
  }

  /** A file that nobody reads is at the path. */
  private void arrived(FileFacts facts) throws IOException {
    FileFacts before = foreign;
    if (before != null && before.id().equals(facts.id()) && before.size() <= facts.size()) {
      // Another stream has read this much of it and has forgotten it since.
      if (before.size() < facts.size()) {
        begin(SavedFile.unread(facts).at(before.size()), facts);
      }
      return;
    }
    copy = isCopyOfAnother(facts);
    if (copy) {
      letGo();
      return;
    }
    SavedFile from = startFrom;
    boolean isFirst =
        from != null && from.id().equals(facts.id()) && from.position() <= facts.size();
    begin(isFirst && from != null ? from : SavedFile.unread(facts), facts);
  }

  private boolean isCopyOfAnother(FileFacts facts) throws IOException {
    Path real = path.toRealPath();
    for (FollowedPath other : context.followed().values()) {
      if (!other.equals(this) && other.hasCopy(real, facts)) {
        foreignOwner = other;
        return true;
      }
    }
    return false;
  }

  private void begin(SavedFile from, FileFacts facts) throws IOException {
    Optional<SavedFile> last = newest();
    letGo();
    if (last.isPresent()) {
      RotatedFiles beside = RotatedFiles.beside(realPath);
      addMissed(beside, last.get(), beside.nameOf(last.get()));
    }
    TailedFile next = new TailedFile(from, context.nanos());
    Opened opened = openAt(path, facts.id(), next);
    if (opened == Opened.DIFFERENT) {
      next.startOver();
      opened = openAt(path, facts.id(), next);
    }
    if (opened != Opened.YES) {
      lookDue = true;
      return;
    }
    if (from.equals(startFrom)) {
      next.skipToLineStart(context.probe());
    }
    startFrom = null;
    foreign = null;
    copy = false;
    chain.append(next);
    chain.current(next);
    relocate();
  }

  private Optional<SavedFile> newest() {
    return chain.files().isEmpty() ? known.newest() : Optional.of(chain.files().getLast().saved());
  }

  /** A file that belongs to this stream is at the path again. */
  private void bringBack(FileFacts facts) throws IOException {
    Optional<TailedFile> draining = chain.get(facts.id());
    if (draining.isEmpty()) {
      Optional<SavedFile> saved = known.remove(facts.id());
      if (saved.isPresent()) {
        begin(saved.get(), facts);
      }
      return;
    }
    letGo();
    TailedFile back = draining.get();
    chain.remove(back);
    back.seen(facts, context.nanos());
    chain.append(back);
    chain.current(back);
    relocate();
  }

  private void relocate() throws IOException {
    realPath = path.toRealPath();
    places = SymbolicLinks.places(path);
  }

  /** Whose file it is that lies at {@code at}; null if it is nobody's. */
  private @Nullable FollowedPath owner(FileFacts facts, Path at) {
    FollowedPath owner = context.owners().get(facts.id());
    return owner == null || !owner.holds(facts, at) ? null : owner;
  }

  private boolean isTaken(FileFacts facts, Path at) {
    return owner(facts, at) != null;
  }

  /** Whether the file with that number at {@code at} is really this stream's. */
  private boolean holds(FileFacts facts, Path at) {
    Optional<TailedFile> file = chain.get(facts.id());
    if (file.isPresent()) {
      if (file.get().isOpen() || KnownFiles.fits(file.get().saved(), facts, at)) {
        return true;
      }
      drop(file.get());
      return false;
    }
    Optional<SavedFile> saved = known.get(facts.id());
    if (saved.isPresent() && !KnownFiles.fits(saved.get(), facts, at)) {
      // Another file has got its number; it may itself be there compressed.
      known.remove(facts.id()).ifPresent(known::addContent);
      return false;
    }
    return saved.isPresent();
  }

  /** A closed file whose number another file has got is no more. */
  private void drop(TailedFile file) {
    chain.close(file);
    chain.remove(file);
    known.addContent(file.saved());
    if (file.hasUnread()) {
      lost(file.saved());
    }
  }

  private void lost(SavedFile file) {
    context.countError();
    loss = "a file of this path went before it was read to its end";
    logger
        .atWarn()
        .addKeyValue("file", path)
        .addKeyValue("inode", file.id().inode())
        .addKeyValue("position", file.position())
        .log("File not found any more, what it held beyond the position is lost");
  }

  // ---- rotation ----

  /** The file that was at the path is there no longer; it is read to its end from now on. */
  private void letGo() throws IOException {
    TailedFile old = chain.current();
    if (old == null) {
      return;
    }
    if (!old.isOpen()) {
      // It was closed to save descriptors; what it got since then is under its new name.
      Optional<RotatedFiles.Entry> now = RotatedFiles.beside(realPath).find(old.saved());
      if (now.isEmpty()) {
        drop(old);
        return;
      }
      RotatedFiles.Entry entry = now.get();
      SavedFile saved = old.saved();
      chain.remove(old);
      resumeAt(entry.path(), entry.facts(), saved);
      return;
    }
    chain.release();
  }

  /** Reads, oldest first, what was rotated away between {@code last} and the file at the path. */
  private void addMissed(RotatedFiles beside, SavedFile last, String lastName) throws IOException {
    known.removeDeleted(beside);
    for (TailedFile file : chain.files()) {
      file.peek();
    }
    for (RotatedFiles.Entry entry : beside.newerThan(last, lastName)) {
      FileId id = entry.facts().id();
      if (isTaken(entry.facts(), entry.path())) {
        continue;
      }
      TailedFile missed = new TailedFile(SavedFile.unread(entry.facts()), context.nanos());
      if (!openWherever(entry.path(), id, missed)) {
        continue;
      }
      missed.peek();
      if (isCopyOfMine(missed.beginning())) {
        chain.close(missed);
        continue;
      }
      chain.insertBeforeCurrent(missed);
      logger.atInfo().addKeyValue("file", entry.path()).log("Rotated file found, reading it first");
    }
  }

  private boolean isCopyOfMine(byte[] b) {
    return known.hasCopyOf(b) || chain.files().stream().anyMatch(f -> f.beginsLike(b, b.length));
  }

  /** Whether a new file is, or may be becoming, a copy of what is read here: copytruncate's. */
  private boolean hasCopy(Path candidate, FileFacts facts) {
    if (!Objects.equals(realPath.getParent(), candidate.getParent())
        || !RotatedNames.isRotated(
            String.valueOf(realPath.getFileName()), String.valueOf(candidate.getFileName()))) {
      return false;
    }
    byte[] b = RotatedFiles.beginning(candidate, Fingerprint.MAX_BYTES).orElse(new byte[0]);
    return isCopyOfMine(b)
        || facts.size() < Fingerprint.MAX_BYTES
            && chain.files().stream().anyMatch(f -> f.mayBecome(b, b.length));
  }

  /**
   * The file starts over; what its copy holds beyond the position is read first, if there is one.
   */
  private void truncated(TailedFile file) throws IOException {
    SavedFile saved = file.savedAtPosition();
    logger
        .atInfo()
        .addKeyValue("file", path)
        .addKeyValue("position", saved.position())
        .log("File was truncated, reading it from its start");
    Optional<RotatedFiles.Entry> copied =
        saved.fingerprint().identifies()
            ? RotatedFiles.beside(realPath).find(saved)
            : Optional.empty();
    known.addContent(saved);
    file.startOver();
    String name = copied.map(RotatedFiles.Entry::name).orElse("");
    if (copied.isPresent() && !isTaken(copied.get().facts(), copied.get().path())) {
      RotatedFiles.Entry entry = copied.get();
      TailedFile rest = new TailedFile(at(entry.facts(), saved), context.nanos());
      if (openWherever(entry.path(), entry.facts().id(), rest)) {
        chain.insertBefore(file, rest);
      }
    }
    // It may have been copied and truncated more than once since.
    addMissed(RotatedFiles.beside(realPath), saved, name);
  }

  /** Rotated files that were there before the first file was seen at the path are old. */
  private void rememberRotated() throws IOException {
    for (RotatedFiles.Entry entry : RotatedFiles.beside(path.toRealPath()).rotated()) {
      if (!context.owners().containsKey(entry.facts().id())
          && known.toList().size() < KnownFiles.MAX_FILES) {
        byte[] b = RotatedFiles.beginning(entry.path(), Fingerprint.MAX_BYTES).orElse(new byte[0]);
        FileFacts facts = entry.facts();
        known.add(
            new SavedFile(
                facts.id(),
                facts.size(),
                false,
                Fingerprint.of(b, b.length),
                facts.modifiedMillis(),
                facts.size()));
      }
    }
  }

  private enum Opened {
    /** The file is open. */
    YES,
    /** Another file was at the path when it was opened. */
    MOVED,
    /** It is the file, by its number, but not its content. */
    DIFFERENT
  }

  private Opened openAt(Path at, FileId expected, TailedFile file) throws IOException {
    FileContent content;
    try {
      content = FileContent.open(at);
    } catch (NoSuchFileException e) {
      return Opened.MOVED;
    }
    boolean taken = false;
    try {
      boolean same = isStill(at, expected);
      taken = same && file.open(content);
      if (taken) {
        context.opened();
      }
      return taken ? Opened.YES : same ? Opened.DIFFERENT : Opened.MOVED;
    } finally {
      if (!taken) {
        content.close();
      }
    }
  }

  /** Opens a file that may be renamed meanwhile, from {@code at} to another name beside the log. */
  private boolean openWherever(Path at, FileId id, TailedFile file) throws IOException {
    Path where = at;
    for (int i = 0; i < MAX_RENAMES; i++) {
      Opened opened = openAt(where, id, file);
      if (opened != Opened.MOVED) {
        return opened == Opened.YES;
      }
      Optional<RotatedFiles.Entry> now = RotatedFiles.beside(realPath).byId(id);
      if (now.isEmpty()) {
        return false;
      }
      where = now.get().path();
    }
    return false;
  }

  private static boolean isStill(Path at, FileId expected) throws IOException {
    try {
      return FileFacts.of(at).id().equals(expected);
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  // ---- restart ----

  private void resumeSaved() throws IOException {
    if (toResume.isEmpty()) {
      return;
    }
    List<SavedFile> saved = toResume;
    RotatedFiles beside = RotatedFiles.beside(realPath);
    boolean atPath = false;
    String name = known.newest().map(beside::nameOf).orElse("");
    for (SavedFile file : saved) {
      Optional<RotatedFiles.Entry> found = whereabouts(file, beside);
      atPath = found.isPresent() && found.get().path().equals(path);
      if (found.isPresent()) {
        // Of a file of which nothing was read only the number is known, and it may be another's.
        name = file.fingerprint().length() == 0 ? name : found.get().name();
        FileFacts facts = found.get().facts();
        boolean isShorter = atPath && facts.size() < file.position();
        resumeAt(found.get().path(), facts, isShorter ? file.at(facts.size()) : file);
        if (atPath) {
          chain.get(facts.id()).ifPresent(chain::current);
        }
      } else if (file.position() > 0) {
        name = "";
        goneSince(file, saved.getLast());
      }
    }
    toResume = List.of();
    SavedFile last = saved.getLast();
    if (!atPath || last.fingerprint().length() == 0) {
      addMissed(RotatedFiles.beside(realPath), last, name);
    }
    if (atPath) {
      relocate();
    }
  }

  private void goneSince(SavedFile file, SavedFile last) {
    known.addContent(file);
    if (file.size() > file.position() || file.equals(last)) {
      lost(file);
    }
  }

  /** Where a file is that may be renamed while it is looked for. */
  private Optional<RotatedFiles.Entry> whereabouts(SavedFile file, RotatedFiles first)
      throws IOException {
    RotatedFiles beside = first;
    for (int i = 0; i < MAX_SEARCHES; i++) {
      FileFacts here = stat();
      if (here != null
          && here.id().inode() == file.id().inode()
          && (KnownFiles.fits(file, here, path) || lostItsTail(file, here))) {
        return Optional.of(
            new RotatedFiles.Entry(path, String.valueOf(realPath.getFileName()), here));
      }
      Optional<RotatedFiles.Entry> found = beside.find(file);
      if (found.isPresent()) {
        return found;
      }
      beside = RotatedFiles.beside(realPath);
    }
    return Optional.empty();
  }

  /** The file at the path is the one, but shorter, as after a crash of the machine. */
  private boolean lostItsTail(SavedFile file, FileFacts here) {
    return here.id().inode() == file.id().inode()
        && here.size() < file.position()
        && file.fingerprint().identifies()
        && KnownFiles.fits(file.at(here.size()), here, path);
  }

  /**
   * Reads on in a file that has another number now: a compressed copy, or a device after a boot.
   */
  private void resumeAt(Path at, FileFacts facts, SavedFile saved) throws IOException {
    if (isTaken(facts, at)) {
      return;
    }
    TailedFile resumed = new TailedFile(at(facts, saved), context.nanos());
    if (openWherever(at, facts.id(), resumed)) {
      chain.append(resumed);
    } else {
      lost(saved);
    }
  }

  private static SavedFile at(FileFacts facts, SavedFile saved) {
    return new SavedFile(
        facts.id(),
        saved.position(),
        saved.skipping(),
        saved.fingerprint(),
        Math.min(saved.modifiedMillis(), facts.modifiedMillis()),
        facts.size());
  }

  /** Finds rotated files again that were closed after a failure. */
  private void reopen() throws IOException {
    for (TailedFile file : List.copyOf(chain.files())) {
      if (!file.isOpen() && !file.equals(chain.current())) {
        SavedFile saved = file.saved();
        Optional<RotatedFiles.Entry> now = RotatedFiles.beside(realPath).find(saved);
        if (now.isEmpty() || !openWherever(now.get().path(), now.get().facts().id(), file)) {
          drop(file);
        }
      }
    }
  }

  // ---- reading ----

  /**
   * Looks if that is due and delivers what is there, about {@code maxBytes}.
   *
   * @return bytes read; complemented ({@code ~bytes}) when there is more at once
   */
  int read(int maxBytes) {
    if (lookDue) {
      look();
    }
    try {
      return switch (chain.read(maxBytes)) {
        case FileChain.Result.AtEnd(int bytes) -> bytes;
        case FileChain.Result.More(int bytes) -> ~bytes;
        case FileChain.Result.Truncated(TailedFile file, int bytes) -> {
          truncated(file);
          yield ~bytes;
        }
      };
    } catch (IOException e) {
      failed(e);
      return 0;
    }
  }

  /** Something happened; {@code entry}: to the name, not just to the content. */
  void changed(boolean entry) {
    TailedFile here = chain.current();
    lookDue |= entry || here == null || !here.isOpen();
  }

  /** Whether a read may find something: by the sizes, or because a look is due. */
  boolean isReady(Duration lookInterval) {
    long now = context.nanos();
    if (now - lookedAt >= lookInterval.toNanos()) {
      lookDue = true;
    }
    if (lookDue) {
      Long retry = retryAt;
      return retry == null || now - retry >= 0;
    }
    if (chain.isDraining()) {
      return true;
    }
    TailedFile here = chain.current();
    try {
      return here != null && here.grown(now);
    } catch (IOException e) {
      failed(e);
      return false;
    }
  }

  /** Closes the file at the path if all of it is read; it is opened again when it has grown. */
  void closeIdle() {
    TailedFile here = chain.current();
    if (here != null && !here.hasUnread()) {
      chain.close(here);
    }
  }

  /** How long ago the path went missing; zero while there is something. */
  Duration missingFor() {
    Long since = missingSince;
    return since == null || chain.isDraining()
        ? Duration.ZERO
        : Duration.ofNanos(context.nanos() - since);
  }

  boolean lookDue() {
    return lookDue;
  }

  boolean isDraining() {
    return chain.isDraining();
  }

  int draining() {
    return chain.files().size() - (chain.current() == null ? 0 : 1);
  }

  long grewAtNanos() {
    TailedFile here = chain.current();
    return here == null ? lookedAt : here.grewAtNanos();
  }

  Path path() {
    return path;
  }

  Path realPath() {
    return realPath;
  }

  /** The path and every step of its symbolic links: where a change may announce itself. */
  Set<Path> places() {
    return places;
  }

  // ---- state ----

  SavedStream saved() {
    List<SavedFile> files = new ArrayList<>(toResume);
    chain.files().forEach(f -> files.add(f.saved()));
    return new SavedStream(path, realPath, files, known.toList());
  }

  List<StreamStatus> status() {
    List<StreamStatus> all = new ArrayList<>();
    for (TailedFile file : chain.files()) {
      boolean here = file.equals(chain.current());
      StreamStatus.State state = here ? StreamStatus.State.FOLLOWING : StreamStatus.State.DRAINING;
      all.add(status(file, here && !trouble.isEmpty() ? StreamStatus.State.UNREADABLE : state));
    }
    if (chain.current() == null) {
      all.add(status(null, absent()));
    }
    return all;
  }

  private StreamStatus.State absent() {
    if (foreign != null || copy) {
      return StreamStatus.State.SAME_FILE;
    }
    return trouble.isEmpty() ? StreamStatus.State.WAITING : StreamStatus.State.UNREADABLE;
  }

  private StreamStatus status(@Nullable TailedFile file, StreamStatus.State state) {
    FollowedPath other = foreignOwner;
    String note =
        switch (state) {
          case SAME_FILE -> (copy ? "copy of " : "read as ") + (other == null ? "" : other.path);
          case UNREADABLE -> trouble;
          case WAITING -> remark.isEmpty() ? "no such file yet" : remark;
          case DRAINING -> "rotated away";
          case FOLLOWING, ENDED -> loss;
        };
    if (file == null) {
      return new StreamStatus(path.toString(), state, 0, 0, 0, 0, 0, null, chain.format(), note);
    }
    long last = file.lastLineAtMillis();
    return new StreamStatus(
        path.toString(),
        state,
        file.id().inode(),
        file.position(),
        file.position() + file.lag(),
        file.lag(),
        file.lines(),
        last < 0 ? null : Instant.ofEpochMilli(last),
        chain.format(),
        note);
  }

  void close() {
    chain.closeAll();
  }

  /** The path is not followed any more. */
  void end() {
    chain.end();
    known.clear();
  }
}
