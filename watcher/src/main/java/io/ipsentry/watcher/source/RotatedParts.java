package io.ipsentry.watcher.source;

import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the parts of a log again that rotation put beside it: after a restart, after several
 * rotations between two looks, after a truncation.
 *
 * <p>Directories are read while others rename in them, so what lies at a name is believed only
 * after it was opened. Confined to the polling thread.
 */
final class RotatedParts {
  /** A file that is renamed while directories are searched for it is searched for so many times. */
  private static final int MAX_SEARCHES = 4;

  private static final Logger logger = LoggerFactory.getLogger(RotatedParts.class);

  private final ReadContext context;
  private final FollowedPath owner;
  private final Path path;
  private final FileChain chain;
  private final KnownFiles known;
  private final FileOpener opener;
  private final List<RotatedFiles.Entry> undecided = new ArrayList<>();
  private @Nullable Search unfinished;
  private boolean isCutShort;
  private String loss = "";

  RotatedParts(
      ReadContext context,
      FollowedPath owner,
      FileChain chain,
      KnownFiles known,
      FileOpener opener) {
    this.context = context;
    this.owner = owner;
    this.path = owner.path();
    this.chain = chain;
    this.known = known;
    this.opener = opener;
  }

  /** What was lost since the start of the process, in words; empty if nothing was. */
  String loss() {
    return loss;
  }

  /** A closed file whose number another file has got is no more. */
  void drop(TailedFile file) {
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

  /**
   * What to look for.
   *
   * @param last parts written before it are old
   * @param named a file after whose name those of compressed parts must come; empty if none is
   *     there
   * @param copied the file at the path is the same as before: the parts are copies, and one of them
   *     may just be growing into a copy of what is read here
   */
  private record Search(SavedFile last, Optional<SavedFile> named, boolean copied) {
    /** The same, and what {@code before} looked for. */
    Search with(@Nullable Search before) {
      return before == null || before.last().modifiedMillis() > last.modifiedMillis()
          ? this
          : new Search(before.last(), before.named(), copied);
    }
  }

  /** Reads, oldest first, what was rotated away between {@code last} and the file at the path. */
  void addMissed(SavedFile last) throws IOException {
    addMissed(new Search(last, Optional.of(last), false));
  }

  private void addMissed(Search asked) throws IOException {
    Search search = asked.with(unfinished);
    unfinished = search;
    boolean all = false;
    for (int i = 0; i < MAX_SEARCHES && !all; i++) {
      all = allTaken(search);
    }
    isCutShort = !all;
    if (all && undecided.isEmpty()) {
      unfinished = null;
    }
  }

  /** False when something that was found was renamed or compressed before it could be opened. */
  private boolean allTaken(Search search) throws IOException {
    undecided.clear();
    RotatedFiles beside = RotatedFiles.steadilyBeside(owner.realPath());
    known.removeDeleted(beside);
    for (TailedFile file : chain.files()) {
      file.peek();
    }
    try {
      Optional<SavedFile> named = search.named();
      String lastName = named.isPresent() ? beside.nameOf(named.get()) : "";
      boolean all = true;
      for (RotatedFiles.Entry entry : beside.newerThan(search.last(), lastName)) {
        all &= owner.isTaken(entry.facts(), entry.path()) || take(entry, search.copied());
      }
      return all;
    } catch (NoSuchFileException e) {
      logger.atDebug().addKeyValue("file", path).setCause(e).log("File went while searching");
      return false;
    }
  }

  private boolean take(RotatedFiles.Entry entry, boolean copied) throws IOException {
    TailedFile missed = new TailedFile(SavedFile.unread(entry.facts()), context.nanos());
    FileOpener.Opened opened =
        opener.wherever(entry.path(), entry.facts().id(), missed, owner.realPath());
    if (opened != FileOpener.Opened.YES) {
      return opened == FileOpener.Opened.DIFFERENT;
    }
    missed.peek();
    boolean isOpenQuestion = copied && isPerhapsBecomingCopy(missed.beginning());
    if (isOpenQuestion || isCopyOfMine(missed.beginning())) {
      chain.close(missed);
      if (isOpenQuestion) {
        undecided.add(entry);
      }
      return true;
    }
    chain.insertBeforeCurrent(missed);
    logger.atInfo().addKeyValue("file", entry.path()).log("Rotated file found, reading it first");
    return true;
  }

  /** Goes on with a search that was cut short, or looks at parts that may not be copies. */
  void searchOn() throws IOException {
    Search search = unfinished;
    if (search == null) {
      return;
    }
    boolean isDue = isCutShort;
    for (RotatedFiles.Entry entry : undecided) {
      isDue |= !entry.facts().equals(FileFacts.ofRegular(entry.path()));
    }
    if (isDue) {
      addMissed(search);
    }
  }

  /** Whether a search was cut short and should go on soon. */
  boolean isCutShort() {
    return isCutShort;
  }

  /** Stands in a checkpoint for parts that are still searched for. */
  List<SavedFile> unfinished() {
    Search search = unfinished;
    return search == null
        ? List.of()
        : List.of(KnownFiles.nothingAt(search.last().modifiedMillis()));
  }

  /** Whether what is at the path begins with all that a part holds so far: nothing, perhaps. */
  private boolean isPerhapsBecomingCopy(byte[] b) {
    TailedFile here = chain.current();
    byte[] mine = here == null ? new byte[0] : here.beginning();
    return b.length < Fingerprint.MAX_BYTES
        && b.length <= mine.length
        && Arrays.equals(mine, 0, b.length, b, 0, b.length);
  }

  private boolean isCopyOfMine(byte[] b) {
    return known.hasCopyOf(b) || chain.files().stream().anyMatch(f -> f.beginsLike(b, b.length));
  }

  /** Whether a new file is, or may be becoming, a copy of what is read here: copytruncate's. */
  boolean hasCopy(Path candidate, FileFacts facts) throws NoSuchFileException {
    if (!Objects.equals(owner.realPath().getParent(), candidate.getParent())
        || !RotatedNames.isRotated(
            String.valueOf(owner.realPath().getFileName()),
            String.valueOf(candidate.getFileName()))) {
      return false;
    }
    byte[] b =
        RotatedFiles.beginning(candidate, facts.id(), Fingerprint.MAX_BYTES).orElse(new byte[0]);
    return isCopyOfMine(b)
        || facts.size() < Fingerprint.MAX_BYTES
            && chain.files().stream().anyMatch(f -> f.mayBecome(b, b.length));
  }

  /**
   * The file starts over; what its copy holds beyond the position is read first, if there is one.
   */
  void truncated(TailedFile file) throws IOException {
    SavedFile saved = file.savedAtPosition();
    logger
        .atInfo()
        .addKeyValue("file", path)
        .addKeyValue("position", saved.position())
        .log("File was truncated, reading it from its start");
    Found copy = saved.fingerprint().identifies() ? find(saved, false) : new Found.Gone();
    known.addContent(saved);
    file.startOver();
    if (copy instanceof Found.Here(TailedFile rest)) {
      chain.insertBefore(file, rest);
    }
    // It may have been copied and truncated more than once since.
    addMissed(new Search(saved, Optional.of(saved), true));
  }

  /** Rotated files that are there at the first look are old. */
  void rememberRotated() throws IOException {
    boolean all = false;
    for (int i = 0; i < MAX_SEARCHES && !all; i++) {
      all = true;
      for (RotatedFiles.Entry entry : RotatedFiles.steadilyBeside(owner.realPath()).rotated()) {
        all &= remember(entry);
      }
    }
  }

  private boolean remember(RotatedFiles.Entry entry) {
    FileFacts facts = entry.facts();
    if (context.owners().containsKey(facts.id()) || known.toList().size() >= KnownFiles.MAX_FILES) {
      return true;
    }
    try {
      byte[] b =
          RotatedFiles.beginning(entry.path(), facts.id(), Fingerprint.MAX_BYTES)
              .orElse(new byte[0]);
      known.add(
          new SavedFile(
              facts.id(),
              facts.size(),
              facts.size(),
              false,
              Fingerprint.of(b, b.length),
              facts.modifiedMillis(),
              facts.size()));
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Goes on in the files of a checkpoint, and in what was rotated away since.
   *
   * @return whether the last of them is at the path
   */
  boolean resume(List<SavedFile> saved) throws IOException {
    boolean atPath = false;
    Optional<SavedFile> named = known.newest();
    Search search = null;
    for (SavedFile file : saved) {
      if (file.fingerprint().length() == 0 && file.position() == 0) {
        // Only its number is known, and that may be another's by now: any part may be the one.
        Optional<SavedFile> before = KnownFiles.isNothing(file) ? Optional.empty() : named;
        search = new Search(file, before, false).with(search);
        atPath = file.equals(saved.getLast()) && resumeUnread(file);
        continue;
      }
      Found found = find(file, true);
      named = found instanceof Found.Gone ? Optional.empty() : Optional.of(file);
      atPath = false;
      switch (found) {
        case Found.Here(TailedFile here) -> {
          chain.append(here);
          atPath = isAtPath(here.id());
          if (atPath) {
            chain.current(here);
          }
        }
        case Found.Taken() -> {
          // Its stream goes on with it.
        }
        case Found.Gone() -> goneSince(file, saved.getLast());
      }
    }
    if (!atPath) {
      search = new Search(saved.getLast(), named, false).with(search);
    }
    if (search != null) {
      addMissed(new Search(search.last(), search.named(), atPath));
    }
    return atPath;
  }

  /** Reads the file at the path from its start if it has the number of one that was there. */
  private boolean resumeUnread(SavedFile file) throws IOException {
    FileFacts here = FileFacts.ofRegular(path);
    if (here == null || here.id().inode() != file.id().inode()) {
      return false;
    }
    TailedFile unread = new TailedFile(at(here, file), context.nanos());
    if (opener.at(path, here.id(), unread) != FileOpener.Opened.YES) {
      return false;
    }
    chain.append(unread);
    chain.current(unread);
    return true;
  }

  private boolean isAtPath(FileId id) throws IOException {
    FileFacts here = FileFacts.ofRegular(path);
    return here != null && here.id().equals(id);
  }

  private void goneSince(SavedFile file, SavedFile last) {
    known.addContent(file);
    if (file.size() > file.position() || file.equals(last)) {
      lost(file);
    }
  }

  /** What came of looking for a file. */
  private sealed interface Found {
    /** Open, at its position. */
    record Here(TailedFile file) implements Found {}

    /** Some stream reads it already. */
    record Taken() implements Found {}

    /** Nowhere, or not to be opened. */
    record Gone() implements Found {}
  }

  /**
   * Opens a file again, at its position, wherever it is now: it may be renamed or compressed while
   * it is looked for. Its number is another one if it is a copy, or after a boot.
   *
   * @param orAtPath whether it may also be the file at the path
   * @throws NoSuchFileException if it was renamed again and again: it should be looked for again
   */
  private Found find(SavedFile saved, boolean orAtPath) throws IOException {
    NoSuchFileException renamed = null;
    for (int i = 0; i < MAX_SEARCHES; i++) {
      try {
        Optional<RotatedFiles.Entry> here = orAtPath ? atPath(saved) : Optional.empty();
        Optional<RotatedFiles.Entry> found =
            here.isPresent() ? here : RotatedFiles.steadilyBeside(owner.realPath()).find(saved);
        if (found.isEmpty()) {
          continue;
        }
        Path at = found.get().path();
        FileFacts facts = found.get().facts();
        if (owner.isTaken(facts, at)) {
          return new Found.Taken();
        }
        boolean isShorter = here.isPresent() && facts.size() < saved.position();
        SavedFile from = at(facts, isShorter ? saved.at(facts.size()) : saved);
        TailedFile file = new TailedFile(from, context.nanos());
        FileOpener.Opened opened = opener.wherever(at, facts.id(), file, owner.realPath());
        if (opened == FileOpener.Opened.YES) {
          return new Found.Here(file);
        }
        if (opened == FileOpener.Opened.MOVED) {
          renamed = new NoSuchFileException(at.toString());
        }
      } catch (NoSuchFileException e) {
        renamed = e;
      }
    }
    if (renamed != null) {
      throw renamed;
    }
    return new Found.Gone();
  }

  private Optional<RotatedFiles.Entry> atPath(SavedFile saved) throws IOException {
    FileFacts here = FileFacts.ofRegular(path);
    boolean isIt =
        here != null
            && here.id().inode() == saved.id().inode()
            && (KnownFiles.fits(saved, here, path) || lostItsTail(saved, here));
    return here != null && isIt
        ? Optional.of(
            new RotatedFiles.Entry(path, String.valueOf(owner.realPath().getFileName()), here))
        : Optional.empty();
  }

  /** The file at the path is the one, but shorter, as after a crash of the machine. */
  private boolean lostItsTail(SavedFile file, FileFacts here) throws NoSuchFileException {
    return here.id().inode() == file.id().inode()
        && here.size() < file.position()
        && file.fingerprint().identifies()
        && KnownFiles.fits(file.at(here.size()), here, path);
  }

  private static SavedFile at(FileFacts facts, SavedFile saved) {
    return new SavedFile(
        facts.id(),
        saved.position(),
        saved.delivered(),
        saved.skipping(),
        saved.fingerprint(),
        Math.min(saved.modifiedMillis(), facts.modifiedMillis()),
        facts.size());
  }

  /** Finds rotated files again that were closed after a failure. */
  void reopen() throws IOException {
    for (TailedFile file : List.copyOf(chain.files())) {
      if (!file.isOpen() && !file.equals(chain.current())) {
        reopen(file);
      }
    }
  }

  /** Opens a closed file again under its new name; without one it is no more. */
  void reopen(TailedFile file) throws IOException {
    int at = chain.files().indexOf(file);
    SavedFile saved = file.saved();
    chain.remove(file);
    Found found;
    try {
      found = find(saved, false);
    } catch (IOException e) {
      chain.insertAt(at, file);
      throw e;
    }
    switch (found) {
      case Found.Here(TailedFile here) -> chain.insertAt(at, here);
      case Found.Taken() -> {
        // Its stream goes on with it.
      }
      case Found.Gone() -> drop(file);
    }
  }
}
