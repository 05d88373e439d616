package io.ipsentry.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Asks the system about the terminal of this process. */
final class Terminal {
  /** More columns are not believed. */
  private static final int MAX_COLUMNS = 10_000;

  private Terminal() {}

  /** Columns of the terminal behind a file descriptor; 0 if it is no terminal. */
  static int width(int descriptor, Map<String, String> environment) {
    if (!isTerminal(descriptor)) {
      return 0;
    }
    int told = columns(environment.getOrDefault("COLUMNS", ""));
    return told > 0 ? told : askedWidth();
  }

  /** Looks where the descriptor leads, for Java tells only whether all of them are a terminal. */
  private static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.equals("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      // No Linux.
      return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }
  }

  private static int askedWidth() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(Path.of("/dev/tty").toFile())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String answer = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      stty.waitFor(1, TimeUnit.SECONDS);
      int space = answer.indexOf(' ');
      int width = columns(answer.substring(space + 1).trim());
      return width > 0 ? width : Shell.DEFAULT_COLUMNS;
    } catch (IOException e) {
      // No stty, no /dev/tty: the usual width will do.
      return Shell.DEFAULT_COLUMNS;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Shell.DEFAULT_COLUMNS;
    }
  }

  private static int columns(String text) {
    if (text.isEmpty() || text.length() > 5 || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
      return 0;
    }
    int columns = Integer.parseInt(text);
    return columns > MAX_COLUMNS ? 0 : columns;
  }
}
