package io.ipsentry.watcher.feed;

import io.ipsentry.config.FeedConfig;
import io.ipsentry.config.FeedOrigin;
import io.ipsentry.feed.FeedAction;
import io.ipsentry.feed.FeedContent;
import io.ipsentry.feed.FeedReader;
import io.ipsentry.feed.FeedReading;
import io.ipsentry.feed.FeedRecord;
import io.ipsentry.feed.FeedStore;
import io.ipsentry.feed.FeedStoreException;
import io.ipsentry.feed.InvalidFeedException;
import io.ipsentry.feed.ProtectionGuard;
import io.ipsentry.net.PrefixSet;
import io.ipsentry.watcher.feed.FeedFetcher.Validators;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one feed: fetches it when it is due, judges what came, stores and announces it; takes out
 * of it what is over, and withdraws it when its source has been silent for too long. What is
 * refused, or cannot be had, changes nothing.
 *
 * <p>A content is stored, then announced, then remembered: after a crash in between the next fetch
 * brings the same, and nothing is announced twice. {@link #status} may be called by any thread, the
 * rest is confined to one.
 */
final class FeedKeeper {
  private static final Duration FIRST_PAUSE = Duration.ofMinutes(1);
  private static final int MAX_DOUBLINGS = 10;
  private static final double JITTER = 0.1;

  /** An entry that is over, or a feed that has expired, and cannot be withdrawn. */
  private static final Duration UPKEEP_PAUSE = Duration.ofSeconds(10);

  private static final Logger logger = LoggerFactory.getLogger(FeedKeeper.class);

  private final FeedConfig config;
  private final FeedRunner.Parts parts;
  private final FeedFetcher fetcher;
  private final FeedAnnouncer announcer;
  private FeedRecord record;

  /** With the ends of its entries; null: they are not known here. */
  private @Nullable FeedContent content;

  private volatile PrefixSet inForce = PrefixSet.empty();
  private Instant fetchAt;
  private Instant upkeepAt = Instant.MIN;
  private int failures;
  private long fetches;
  private long failed;
  private long refused;
  private int badLines;
  private String problem = "";
  private volatile FeedStatus status;

  /**
   * @param record what is known of it from before; null: nothing
   */
  FeedKeeper(FeedConfig config, @Nullable FeedRecord record, FeedRunner.Parts parts) {
    this.config = config;
    this.parts = parts;
    fetcher = new FeedFetcher(parts.limits(), parts.userAgent(), parts.clock());
    announcer = new FeedAnnouncer(parts.writer());
    Instant now = parts.clock().instant();
    this.record =
        record != null
            ? record
            : new FeedRecord(
                config.name(), "", config.action(), "", 0, "", "", Instant.EPOCH, now, false);
    fetchAt = isOfThisOrigin() && hasContent() && !this.record.ends() ? regularAt(now) : now;
    status = newStatus();
  }

  /**
   * What the process before left is in force again, without the network.
   *
   * @return whether it is, or nothing is of use; false: it is to be tried again
   */
  boolean resume() {
    if (!hasContent()) {
      return true;
    }
    boolean done = true;
    try {
      if (record.action() != config.action()) {
        changeAction();
        if (!hasContent()) {
          status = newStatus();
          return true;
        }
      }
      inForce = parts.store().get(config.name(), record.digest());
      tell();
      if (record.action() == FeedAction.BAN) {
        announcer.announce(config.name(), stored());
      }
    } catch (InvalidFeedException e) {
      // The digest still says when there is nothing new; but it must be had whole.
      forgetValidators();
      fetchAt = parts.clock().instant();
      say("what is kept of a feed cannot be used; it is fetched again", e.getMessage());
    } catch (FeedStoreException e) {
      say("a feed that is kept cannot be put in force", e.getMessage());
      done = false;
    }
    status = newStatus();
    return done;
  }

  /** What was good enough to ban by was not judged as something to protect, nor the reverse. */
  private void changeAction() {
    boolean isOfUse =
        record.action() != FeedAction.PROTECT && config.action() != FeedAction.PROTECT;
    Instant now = parts.clock().instant();
    FeedRecord known = isOfUse ? record : record.withdrawn(now);
    FeedRecord changed =
        new FeedRecord(
            known.feed(),
            known.origin(),
            config.action(),
            known.digest(),
            known.entries(),
            known.etag(),
            known.lastModified(),
            known.confirmedAt(),
            known.changedAt(),
            known.ends());
    if (config.action() != FeedAction.BAN) {
      announcer.withdraw(config.name());
    }
    parts.store().keep(changed);
    record = changed;
    if (!isOfUse) {
      fetchAt = now;
    }
  }

  FeedConfig config() {
    return config;
  }

  /** As of its last step, but what it spares as of now. Safe for any thread. */
  FeedStatus status() {
    return status.sparing(spared());
  }

  /** The prefixes in force, as far as they are loaded. */
  PrefixSet inForce() {
    return inForce;
  }

  /** When {@link #step} has something to do. */
  Instant dueAt() {
    Instant due = fetchAt;
    Instant upkeep = upkeepDue();
    return upkeep.isBefore(due) ? upkeep : due;
  }

  private Instant upkeepDue() {
    if (!hasContent()) {
      return Instant.MAX;
    }
    Instant due = expiresAt();
    Optional<Instant> end =
        content == null ? Optional.empty() : content.nextEnd(record.changedAt());
    if (end.isPresent() && end.get().isBefore(due)) {
      due = end.get();
    }
    return due.isBefore(upkeepAt) ? upkeepAt : due;
  }

  private Instant expiresAt() {
    return config.expires() ? record.confirmedAt().plus(config.expire()) : Instant.MAX;
  }

  /** Does what is due. */
  void step() throws InterruptedException {
    Instant now = parts.clock().instant();
    if (!fetchAt.isAfter(now)) {
      fetchNow();
    }
    upkeep(parts.clock().instant());
    status = newStatus();
  }

  /** A defect: it is told as a failure, and the fetch is tried again as after one. */
  void broke(RuntimeException defect) {
    logger
        .atError()
        .setCause(defect)
        .addKeyValue("feed", config.name())
        .log("a feed cannot be kept; what is known of it holds");
    Instant now = parts.clock().instant();
    failed++;
    problem = "a defect: " + defect;
    postpone(now, Optional.empty());
    upkeepAt = now.plus(UPKEEP_PAUSE);
    status = newStatus();
  }

  // ---- fetching

  private void fetchNow() throws InterruptedException {
    fetches++;
    Fetched fetched;
    parts.turns().acquire();
    try {
      fetched = fetcher.fetch(config, validators());
      Instant now = parts.clock().instant();
      switch (fetched) {
        case Fetched.NotModified same -> confirmed(now);
        case Fetched.Body body -> came(body, now);
        case Fetched.Failed without -> failed(without, now);
      }
    } catch (FeedStoreException e) {
      failed(Fetched.Failed.because(String.valueOf(e.getMessage())), parts.clock().instant());
    } finally {
      parts.turns().release();
    }
  }

  private Validators validators() {
    boolean usable = isOfThisOrigin() && hasContent() && (!record.ends() || content != null);
    return usable ? new Validators(record.etag(), record.lastModified()) : Validators.NONE;
  }

  private boolean isOfThisOrigin() {
    return record.origin().equals(config.identity());
  }

  private boolean hasContent() {
    return record.entries() > 0;
  }

  private void confirmed(Instant now) {
    FeedRecord now304 = record.confirmed(now);
    parts.store().keep(now304);
    record = now304;
    succeeded(now);
  }

  private void came(Fetched.Body body, Instant now) {
    FeedReading reading =
        FeedReader.read(new ByteArrayInputStream(body.bytes()), config.options(), now);
    switch (reading) {
      case FeedReading.Refused no -> refused(no.reason(), now);
      case FeedReading.Read read -> {
        PrefixSet prefixes = read.content().at(now);
        // Another list is not compared with this one.
        int before = isOfThisOrigin() ? record.entries() : 0;
        Optional<String> no =
            config
                .guard()
                .refusal(before, prefixes.size())
                .or(() ->
                    config.action() == FeedAction.PROTECT
                        ? ProtectionGuard.refusal(prefixes)
                        : Optional.empty());
        if (no.isPresent()) {
          refused(no.get(), now);
        } else {
          take(read, prefixes, body, now);
        }
      }
    }
  }

  private void take(FeedReading.Read read, PrefixSet prefixes, Fetched.Body body, Instant now) {
    FeedStore.Stored stored = put(prefixes);
    boolean isNew = !stored.digest().equals(record.digest());
    FeedRecord taken =
        new FeedRecord(
            config.name(),
            config.identity(),
            config.action(),
            stored.entries() == 0 ? "" : stored.digest(),
            stored.entries(),
            body.etag(),
            body.lastModified(),
            now,
            isNew ? now : record.changedAt(),
            read.content().nextEnd(now).isPresent());
    parts.store().keep(taken);
    record = taken;
    content = read.content();
    badLines = read.bad();
    inForce = prefixes;
    tell();
    succeeded(now);
    if (read.bad() > 0) {
      say("entries of a feed cannot be read and are left out", read.shown().toString());
    }
    if (isNew) {
      logger
          .atInfo()
          .addKeyValue("feed", config.name())
          .addKeyValue("entries", stored.entries())
          .addKeyValue("skipped", read.skipped())
          .addKeyValue("bad", read.bad())
          .addKeyValue("format", read.format().wireName())
          .log("a feed has new content");
    }
  }

  private FeedStore.Stored put(PrefixSet prefixes) {
    FeedStore.Stored stored = parts.store().put(config.name(), prefixes);
    if (config.action() == FeedAction.BAN) {
      announcer.announce(config.name(), stored);
    }
    return stored;
  }

  private FeedStore.Stored stored() {
    return new FeedStore.Stored(record.digest(), record.entries());
  }

  private void succeeded(Instant now) {
    failures = 0;
    problem = "";
    fetchAt = now.plus(jittered(config.every()));
  }

  private void failed(Fetched.Failed without, Instant now) {
    failed++;
    postpone(now, without.retryAfter());
    problem = without.reason();
    say("a feed cannot be fetched; what is known of it holds", problem);
  }

  private void refused(String reason, Instant now) {
    refused++;
    postpone(now, Optional.empty());
    problem = "refused: " + reason;
    logger
        .atError()
        .addKeyValue("feed", config.name())
        .addKeyValue("cause", reason)
        .addKeyValue("entries", record.entries())
        .log("a feed was refused; what is known of it holds");
  }

  private void postpone(Instant now, Optional<Duration> retryAfter) {
    Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(failures, MAX_DOUBLINGS));
    failures++;
    if (pause.compareTo(config.every()) > 0) {
      pause = config.every();
    }
    Duration least = retryAfter.orElse(Duration.ZERO);
    fetchAt = now.plus(jittered(pause.compareTo(least) < 0 ? least : pause));
  }

  /** As long or a tenth longer. */
  private Duration jittered(Duration pause) {
    return pause.plusMillis((long) (pause.toMillis() * JITTER * parts.random().nextDouble()));
  }

  /** The next time of a feed that was fetched before this process. */
  private Instant regularAt(Instant now) {
    Instant at = record.confirmedAt().plus(jittered(config.every()));
    return at.isBefore(now) ? now : at;
  }

  // ---- upkeep

  private void upkeep(Instant now) {
    if (!hasContent() || upkeepDue().isAfter(now)) {
      return;
    }
    try {
      if (!expiresAt().isAfter(now)) {
        expire(now);
      } else {
        entriesEnded(now);
      }
    } catch (FeedStoreException e) {
      upkeepAt = now.plus(UPKEEP_PAUSE);
      say("what is over cannot be taken out of a feed", e.getMessage());
    }
  }

  private void expire(Instant now) {
    if (record.action() == FeedAction.BAN) {
      announcer.withdraw(config.name());
    }
    FeedRecord withdrawn = record.withdrawn(now);
    parts.store().keep(withdrawn);
    logger
        .atError()
        .addKeyValue("feed", config.name())
        .addKeyValue("confirmedAt", record.confirmedAt())
        .addKeyValue("entries", record.entries())
        .log("a feed has expired and is withdrawn");
    record = withdrawn;
    content = null;
    inForce = PrefixSet.empty();
    tell();
  }

  private void entriesEnded(Instant now) {
    FeedContent known = content;
    if (known == null) {
      return;
    }
    PrefixSet left = known.at(now);
    FeedStore.Stored stored = put(left);
    FeedRecord shorter = stored.entries() == 0 ? record.withdrawn(now) : record.with(stored, now);
    parts.store().keep(shorter);
    record = shorter;
    inForce = left;
    tell();
  }

  private void forgetValidators() {
    record =
        new FeedRecord(
            record.feed(),
            record.origin(),
            record.action(),
            record.digest(),
            record.entries(),
            "",
            "",
            record.confirmedAt(),
            record.changedAt(),
            record.ends());
  }

  private void tell() {
    parts.changed().run();
  }

  private void say(String what, @Nullable Object cause) {
    logger
        .atWarn()
        .addKeyValue("feed", config.name())
        .addKeyValue("cause", cause)
        .addKeyValue("entries", record.entries())
        .log(what);
  }

  private FeedStatus newStatus() {
    return new FeedStatus(
        config.name(),
        shownOrigin(),
        config.action(),
        record.entries(),
        spared(),
        hasContent() ? record.changedAt() : null,
        record.confirmedAt().equals(Instant.EPOCH) ? null : record.confirmedAt(),
        fetchAt,
        failures,
        fetches,
        failed,
        refused,
        badLines,
        problem);
  }

  private int spared() {
    PrefixSet prefixes = inForce;
    PrefixSet allowed = parts.writer().state().allowedPrefixes(parts.clock().instant());
    PrefixSet never = parts.protection().get().prefixes().union(allowed);
    return Math.toIntExact(never.prefixes().stream().filter(prefixes::overlaps).count());
  }

  private String shownOrigin() {
    return switch (config.origin()) {
      case FeedOrigin.File file -> file.toString();
      case FeedOrigin.Url url -> {
        URI at = url.url();
        yield at.getScheme() + "://" + at.getAuthority() + at.getRawPath();
      }
    };
  }
}
