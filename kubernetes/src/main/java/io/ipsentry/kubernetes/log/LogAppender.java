package io.ipsentry.kubernetes.log;

import io.ipsentry.ban.BanEvent;
import io.ipsentry.banlog.AppendResult;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.kubernetes.api.ApiServerException;
import io.ipsentry.kubernetes.api.ApiServerException.Reason;
import io.ipsentry.kubernetes.api.ConfigMaps;
import io.ipsentry.kubernetes.api.StoredConfigMap;
import java.util.List;
import java.util.function.Supplier;

/**
 * Adds batches to the log: creates the ConfigMap with the next index, which exactly one writer can.
 *
 * <p>When the answer is lost, the identical ConfigMap is created again until its name is taken: by
 * itself, then it is in, or by another, then it never will be. A write that lands after all this,
 * below the floor, counts for nothing. A batch is acknowledged when the watch has shown its last
 * part to this process, and nothing else at its places before: an index may have been free only
 * because what was there had been compacted away, or deleted by somebody. So an append is one
 * request.
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
      replica.checkNotBroken();
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
      boolean created = create(entry);
      if (!created || entry.isLastPart()) {
        awaitShown(entry);
      }
      if (!created && !isOurs(entry)) {
        return false;
      }
    }
    return isOurs(entries.getLast()) && replica.holds(entries.getLast());
  }

  /** Whether an entry is known to be the one at its place. */
  private boolean isOurs(LogEntry entry) {
    return replica
        .at(entry.index())
        .map(there -> there.identity().equals(entry.identity()))
        // It was written below the floor, and counts for nothing; or it was in, and is compacted
        // away by now.
        .orElseThrow(() ->
            BanLogException.transientFailure(
                "the ban log was compacted while this process was held up; whether the events are"
                    + " in is not known"));
  }

  /** Waits until what is at the place of an entry is known. */
  private void awaitShown(LogEntry entry) {
    for (int wait = 1; replica.tail().index() < entry.index(); wait++) {
      if (!pause.awaitEntry(replica, entry.index())) {
        throw BanLogException.transientFailure(
            "the ban log was closed before it was certain that the events are in");
      }
      if (wait % LogReplica.MAX_WAITS == 0) {
        listInPlaceOfWatching(entry, wait / LogReplica.MAX_WAITS);
      }
    }
  }

  /** The watch shows nothing: it is held up, or somebody has deleted what was just written. */
  private void listInPlaceOfWatching(LogEntry entry, int attempt) {
    try {
      replica.startOver();
      if (replica.tail().index() < entry.index()) {
        boolean ignored = create(entry);
      }
    } catch (ApiServerException e) {
      boolean ignored = pause.await(attempt);
    } catch (NoRoomException e) {
      throw BanLogException.transientFailure(
          "somebody deleted an entry of the ban log, and there is no room to put it back", e);
    }
  }

  /** Whether the entry was created; else its name is taken, by itself it may be. */
  private boolean create(LogEntry entry) throws NoRoomException {
    StoredConfigMap map = entry.toConfigMap(names);
    boolean mayLand = false;
    for (int attempt = 1; ; attempt++) {
      try {
        StoredConfigMap ignored = api.create(map);
        return true;
      } catch (ApiServerException e) {
        switch (e.reason()) {
          case EXISTS -> {
            return false;
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
        throw BanLogException.transientFailure(
            "the ban log was closed, or who writes was stopped, before the API server said whether"
                + " the events are in");
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
}
