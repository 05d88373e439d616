package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ipsentry.config.ConfigResult.Invalid;
import io.ipsentry.config.ConfigResult.Valid;
import io.ipsentry.net.PrefixSet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigWatcherTest {
  private static final Duration FAST = Duration.ofMillis(20);
  private static final Duration NEVER = Duration.ofHours(1);

  @TempDir private Path temporary;

  private final List<ConfigResult> results = new CopyOnWriteArrayList<>();

  private Path directory() throws IOException {
    return temporary.toRealPath();
  }

  private static String neverBan(String address) {
    return "neverBan: " + address + "\n";
  }

  private ConfigWatcher started(Path file, boolean notifications) {
    ConfigWatcher watcher = new ConfigWatcher(file, notifications ? NEVER : FAST, notifications);
    watcher.start(results::add);
    return watcher;
  }

  private static void awaitInForce(ConfigWatcher watcher, String address) {
    await()
        .untilAsserted(() ->
            assertThat(watcher.inForce().orElseThrow().neverBan())
                .isEqualTo(PrefixSet.parse(address)));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void start_fileIsWrittenInPlace_isReadAgain(boolean notifications) throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = started(file, notifications)) {
      awaitInForce(watcher, "192.0.2.1");

      Files.writeString(file, neverBan("192.0.2.22"));

      awaitInForce(watcher, "192.0.2.22");
      assertThat(watcher.current()).isEqualTo(results.getLast());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void start_editorRenamesOverTheFile_isReadAgain(boolean notifications) throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = started(file, notifications)) {
      for (int i = 2; i < 6; i++) {
        Path fresh =
            Files.writeString(directory().resolve(".c.yaml.swp"), neverBan("192.0.2." + i));
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);

        awaitInForce(watcher, "192.0.2." + i);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void start_configMapIsSwapped_isReadAgain(boolean notifications) throws IOException {
    Path mount = Files.createDirectory(directory().resolve("mount"));
    swap(mount, 1);
    Path file = mount.resolve("c.yaml");
    Files.createSymbolicLink(file, Path.of("..data/c.yaml"));
    try (ConfigWatcher watcher = started(file, notifications)) {
      for (int i = 2; i < 6; i++) {
        swap(mount, i);

        awaitInForce(watcher, "192.0.2." + i);
      }
    }
  }

  /** As the kubelet's atomic writer does it. */
  private static void swap(Path mount, int version) throws IOException {
    Path fresh = Files.createDirectory(mount.resolve("..v" + version));
    Files.writeString(fresh.resolve("c.yaml"), neverBan("192.0.2." + version));
    Path link = Files.createSymbolicLink(mount.resolve("..data_tmp"), fresh.getFileName());
    Files.move(link, mount.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
    Path old = mount.resolve("..v" + (version - 1));
    Files.deleteIfExists(old.resolve("c.yaml"));
    Files.deleteIfExists(old);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void start_listFileChanges_isReadAgain(boolean notifications) throws IOException {
    Path lists = Files.createDirectory(directory().resolve("lists"));
    Path list = Files.writeString(lists.resolve("office.txt"), "192.0.2.1\n");
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("file:lists/office.txt"));
    try (ConfigWatcher watcher = started(file, notifications)) {
      Files.writeString(list, "192.0.2.22\n");

      awaitInForce(watcher, "192.0.2.22");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void start_packAppearsLater_isRead(boolean notifications) throws IOException {
    Path file =
        Files.writeString(
            directory().resolve("c.yaml"),
            "rules: [{ name: a, match: { packs: packs/mine.yaml }, threshold: 1 }]\n");
    try (ConfigWatcher watcher = started(file, notifications)) {
      assertThat(watcher.current()).isInstanceOf(Invalid.class);
      assertThat(watcher.inForce()).isEmpty();

      Path packs = Files.createDirectory(directory().resolve("packs"));
      Files.writeString(packs.resolve("mine.yaml"), "name: mine\npatterns: [^/x]\n");

      await().until(() -> watcher.current() instanceof Valid);
    }
  }

  @Test
  void start_badFile_leavesTheOldInForceAndSaysSo() throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = started(file, true)) {
      Files.writeString(file, "neverBann: 192.0.2.2\n");

      await().until(() -> watcher.current() instanceof Invalid);
      awaitInForce(watcher, "192.0.2.1");
      await().until(() -> !results.isEmpty() && results.getLast() instanceof Invalid);

      Files.delete(file);
      await()
          .untilAsserted(() ->
              assertThat(((Invalid) watcher.current()).errors().getFirst().what())
                  .endsWith("is not there"));
      awaitInForce(watcher, "192.0.2.1");

      Files.writeString(file, neverBan("192.0.2.3"));
      awaitInForce(watcher, "192.0.2.3");
    }
  }

  @Test
  void start_sameContentAgain_tellsNobody() throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = started(file, true)) {
      Path copy = Files.copy(file, directory().resolve("copy"));
      Files.move(copy, file, StandardCopyOption.ATOMIC_MOVE);
      Files.writeString(file, neverBan("192.0.2.2"));

      awaitInForce(watcher, "192.0.2.2");
      // Writing truncates first, so an empty file may have been read in between, but no repetition.
      assertThat(results).doesNotHaveDuplicates();
      assertThat(results)
          .noneMatch(r -> r.orThrow().neverBan().equals(PrefixSet.parse("192.0.2.1")));
    }
  }

  @Test
  void start_changedBeforeStart_isReported() throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = new ConfigWatcher(file, NEVER, true)) {
      Files.writeString(file, neverBan("192.0.2.2"));

      watcher.start(results::add);

      awaitInForce(watcher, "192.0.2.2");
    }
  }

  @Test
  void start_listenerFails_goesOn() throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    try (ConfigWatcher watcher = new ConfigWatcher(file, NEVER, true)) {
      watcher.start(result -> {
        results.add(result);
        throw new IllegalStateException("expected by the test");
      });
      Files.writeString(file, neverBan("192.0.2.2"));
      awaitInForce(watcher, "192.0.2.2");

      Files.writeString(file, neverBan("192.0.2.3"));

      awaitInForce(watcher, "192.0.2.3");
    }
  }

  @Test
  void close_duringWatching_endsTheCalls() throws IOException {
    Path file = Files.writeString(directory().resolve("c.yaml"), neverBan("192.0.2.1"));
    ConfigWatcher watcher = started(file, true);
    watcher.close();
    int before = results.size();

    Files.writeString(file, neverBan("192.0.2.2"));
    watcher.close();

    assertThat(results).hasSize(before);
    assertThat(watcher.inForce().orElseThrow().neverBan()).isEqualTo(PrefixSet.parse("192.0.2.1"));
  }

  @Test
  void entries_loopOfLinks_ends() throws IOException {
    Path a = directory().resolve("a");
    Path b = directory().resolve("b");
    Files.createSymbolicLink(a, b);
    Files.createSymbolicLink(b, a);

    assertThat(LinkChain.entries(a)).containsExactlyInAnyOrder(a, b);
  }
}
