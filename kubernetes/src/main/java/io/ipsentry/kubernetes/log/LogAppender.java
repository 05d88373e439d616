package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Adds batches to the log: creates the ConfigMap with the next index, which exactly one writer can.
 *
 * <p>When the answer is lost, the identical ConfigMap is created again until its name is taken: by
 * itself, then it is in, or by another, then it never will be. A write that lands after all this,
 * below the floor, counts for nothing. Before a batch is acknowledged, the floor is looked at: an
 * index may have been free only because it was compacted away.
 *
 * <p>One append at a time; safe for any thread.
 */
final class LogAppender {
  /** Rounds in which an index was taken by what counts for nothing, before it is given up. */
  private static final int MAX_ROUNDS = 100;

  private final ConfigMaps api;
  private final LogNames names;
  private final LogReplica replica;
  private final Supplier<String> ids;
  private final String writer;
  private final Pause pause;

  /**
   * @param ids makes an id for each batch
   * @param writer name of this process, for people
   */
  LogAppender(
      ConfigMaps api,
      LogNames names,
      LogReplica replica,
      Supplier<String> ids,
      String writer,
      Pause pause) {
    this.api = api;
    this.names = names;
    this.replica = replica;
    this.ids = ids;
    this.writer = writer;
    this.pause = pause;
  }

  private enum Created {
    OURS,
    TAKEN,
    CLOSED
  }

  /** There is no room, and nothing of the batch is in. */
  private static final class NoRoomException extends Exception {
    private static final long serialVersionUID = 1L;

    NoRoomException(String message) {
      super(message);
    }
  }

  /**
   * Appends a batch; does as {@code BanLog.append} says.
   *
   * @throws BanLogException if the log is closed meanwhile, or cannot be read
   */
  synchronized AppendResult append(long expectedHead, List<BanEvent> events) {
    for (int round = 0; round < MAX_ROUNDS; round++) {
      if (events.isEmpty() || replica.head() < expectedHead) {
        replica.catchUp();
      }
      LogEntry.Tail tail = replica.tail();
      if (tail.head() != expectedHead) {
        return new AppendResult.Conflict(tail.head());
      }
      if (events.isEmpty()) {
        return new AppendResult.Appended(tail.head());
      }
      try {
        if (write(tail, events)) {
          return new AppendResult.Appended(expectedHead + events.size());
        }
      } catch (NoRoomException e) {
        return new AppendResult.Full(String.valueOf(e.getMessage()));
      }
    }
    throw BanLogException.transientFailure(
        "the next "
            + MAX_ROUNDS
            + " places of the ban log are taken by what is no entry; see ConfigMap "
            + names.entry(replica.tail().index()));
  }

  /** Whether the batch is in; else others were quicker, and are known now. */
  private boolean write(LogEntry.Tail tail, List<BanEvent> events) throws NoRoomException {
    List<LogEntry> entries = LogEntry.of(tail, replica.manifest().log(), ids.get(), writer, events);
    for (LogEntry entry : entries) {
      switch (create(entry)) {
        case OURS -> {}
        case TAKEN -> {
          replica.catchUp();
          return false;
        }
        case CLOSED ->
            throw BanLogException.transientFailure(
                "the ban log was closed before the API server said whether the events are in");
      }
    }
    Manifest now = manifestAfterwards();
    if (now == null || now.floor() > entries.getFirst().index()) {
      replica.startOver();
      if (!replica.holds(entries.getLast())) {
        // It was written below the floor, and counts for nothing; or it was in, and is compacted
        // away by now.
        throw BanLogException.transientFailure(
            "the ban log was compacted while this process was held up; whether the events are in"
                + " is not known");
      }
      return true;
    }
    replica.takeAll(now, entries);
    return true;
  }

  private Created create(LogEntry entry) throws NoRoomException {
    StoredConfigMap map = entry.toConfigMap(names);
    boolean mayLand = false;
    for (int attempt = 1; ; attempt++) {
      try {
        StoredConfigMap ignored = api.create(map);
        return Created.OURS;
      } catch (ApiServerException e) {
        switch (e.reason()) {
          case EXISTS -> {
            Optional<Created> owner = owner(entry);
            if (owner.isPresent()) {
              return owner.get();
            }
          }
          case UNAVAILABLE, CONFLICT, GONE -> mayLand = true;
          case FULL, FORBIDDEN, REFUSED -> {
            // An attempt before may still land: then this is no answer yet.
            if (!mayLand) {
              throw refusal(e);
            }
          }
        }
      }
      if (!pause.await(attempt)) {
        return Created.CLOSED;
      }
    }
  }

  private static NoRoomException refusal(ApiServerException e) {
    if (e.reason() == Reason.FULL) {
      return new NoRoomException(
          "the cluster has no room for the ban log: "
              + e.getMessage()
              + "; raise the quota for ConfigMaps, or free space in the cluster's store");
    }
    throw BanLogException.permanent("cannot write the ban log: " + e.getMessage(), e);
  }

  /** Whose the ConfigMap of that name is; empty: the API server does not say. */
  private Optional<Created> owner(LogEntry entry) {
    try {
      Optional<StoredConfigMap> found = api.get(names.entry(entry.index()));
      if (found.isEmpty()) {
        // Taken a moment ago and gone: compacted away, and the floor tells.
        return Optional.of(Created.TAKEN);
      }
      boolean ours =
          found.get().text("batch").equals(entry.batch())
              && found.get().text("part").equals(entry.part() + "/" + entry.parts());
      return Optional.of(ours ? Created.OURS : Created.TAKEN);
    } catch (ApiServerException e) {
      return Optional.empty();
    }
  }

  /** The manifest as it is after the batch was written; null: there is none. */
  private @Nullable Manifest manifestAfterwards() {
    for (int attempt = 1; ; attempt++) {
      try {
        return replica.currentManifest();
      } catch (ApiServerException e) {
        if (!pause.await(attempt)) {
          throw BanLogException.transientFailure(
              "the ban log was closed before it was certain that the events are in", e);
        }
      }
    }
  }
}
