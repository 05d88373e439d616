package io.ipsentry.cli;

import io.ipsentry.banlog.BanHistory;
import io.ipsentry.banlog.BanLogException;
import io.ipsentry.banlog.BanOperations;
import io.ipsentry.cli.ConnectionOptions.Access;
import io.ipsentry.cli.ConnectionOptions.Way;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Looks at the store of an instance, and whether there is room for it. */
record StoreCheckup(HostFiles host, Shell shell) {
  private static final long MIN_FREE_BYTES = 100L << 20;
  private static final long MIN_FREE_BYTES_TO_WORK = 10L << 20;

  /** What was found of a store that no instance has open. */
  List<Finding> look(Way.Store store) {
    Path path = store.path().toAbsolutePath();
    return List.of(Files.exists(path) ? existing(store, path) : missing(path), space(path));
  }

  private Finding existing(Way.Store store, Path path) {
    try (BanOperations operations = ConnectionOptions.open(store, shell, Access.EXISTING)) {
      long head =
          operations.history(null, BanHistory.FROM_NEWEST, 1).stream()
              .mapToLong(event -> event.seq())
              .findFirst()
              .orElse(0);
      return host.isWritable(path)
          ? Finding.ok("store", path + ": " + head + " events")
          : Finding.fail(
              "store",
              path + " cannot be written by " + shell.user().name(),
              "run as its owner, or set store.path");
    } catch (BanLogException e) {
      return Finding.fail("store", String.valueOf(e.getMessage()), "set store.path");
    }
  }

  private Finding missing(Path path) {
    Path directory = existingParent(path);
    return host.isWritable(directory)
        ? Finding.ok("store", path + " will be created")
        : Finding.fail(
            "store",
            path + " cannot be created by " + shell.user().name(),
            "make " + directory + " writable, or set store.path");
  }

  /** Whether there is room for a store at a path. */
  Finding space(Path path) {
    Path directory = existingParent(path.toAbsolutePath());
    try {
      long free = host.freeBytes(directory);
      String what = StatusCommand.bytes(free) + " free below " + directory;
      if (free < MIN_FREE_BYTES_TO_WORK) {
        return Finding.fail("disk", what, "make room, or no ban can be stored");
      }
      return free < MIN_FREE_BYTES
          ? Finding.warn("disk", what, "make room")
          : Finding.ok("disk", what);
    } catch (IOException e) {
      return Finding.warn(
          "disk", "free space cannot be told: " + e.getMessage(), "look at it yourself");
    }
  }

  private static Path existingParent(Path path) {
    Path directory = path;
    while (directory.getParent() != null && !Files.isDirectory(directory)) {
      directory = directory.getParent();
    }
    return directory;
  }
}
