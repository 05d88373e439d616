package io.ipsentry.enforcer.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@RequiresProgram("sh")
final class ReadyProgramTest {
  @TempDir private Path directory;
  private Path started;
  private Path done;
  private ReadyProgram program;

  @BeforeEach
  void make() throws IOException {
    started = Files.createFile(directory.resolve("started"));
    done = Files.createFile(directory.resolve("done"));
    String script =
        "echo $$ >>"
            + started
            + "; read -r word || exit 0; echo \"$word\" >>"
            + done
            + "; exit $word";
    program = new ReadyProgram(new KernelPrograms(List.of()), List.of("sh", "-c", script));
  }

  @AfterEach
  void end() {
    program.end();
  }

  private void feed(String word) {
    program.feed(out -> out.text(word).text("\n"));
  }

  /** The last one that was started. */
  private ProcessHandle waiting(int number) {
    await().untilAsserted(() -> assertThat(Files.readAllLines(started)).hasSize(number));
    try {
      return ProcessHandle.of(Long.parseLong(Files.readAllLines(started).getLast())).orElseThrow();
    } catch (IOException e) {
      throw new AssertionError("who was started cannot be read", e);
    }
  }

  @Test
  void feed_oneWaits_isTheOneThatIsFed() throws IOException {
    program.start();
    ProcessHandle waiting = waiting(1);
    program.start();

    feed("0");

    assertThat(waiting.isAlive()).isFalse();
    assertThat(Files.readAllLines(started)).hasSize(1);
    assertThat(Files.readAllLines(done)).containsExactly("0");
    feed("00");
    assertThat(Files.readAllLines(started)).as("none waited").hasSize(2);
    assertThat(Files.readAllLines(done)).containsExactly("0", "00");
  }

  @Test
  void feed_theOneThatWaitedWasKilled_startsAnother() throws IOException {
    program.start();
    ProcessHandle waiting = waiting(1);
    assertThat(waiting.destroyForcibly()).isTrue();
    await().until(() -> !waiting.isAlive());

    feed("0");

    assertThat(Files.readAllLines(done)).containsExactly("0");
  }

  @Test
  void feed_programFails_saysSo() {
    program.start();

    assertThatThrownBy(() -> feed("7"))
        .isInstanceOf(PacketFilterException.class)
        .hasMessageContaining("sh ended with code 7");
  }

  @Test
  void end_oneWaits_isEndedAndHasDoneNothing() throws IOException {
    program.start();
    ProcessHandle waiting = waiting(1);

    program.end();

    await().until(() -> !waiting.isAlive());
    assertThat(Files.readAllLines(done)).isEmpty();
  }
}
