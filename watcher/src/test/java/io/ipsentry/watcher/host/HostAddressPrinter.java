package io.ipsentry.watcher.host;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** A program for {@link HostAddressNamespaceTest}: prints a line for each reading that differs. */
final class HostAddressPrinter {
  private HostAddressPrinter() {}

  /** Runs until standard input ends. */
  public static void main(String[] arguments) throws IOException {
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    HostAddressReader reader = HostAddressReader.linux();
    HostAddresses first = reader.read();
    out.println(first);
    try (HostAddressFollower _ =
        HostAddressFollower.start(first, reader::read, out::println, Duration.ofMillis(20))) {
      while (System.in.read() >= 0) {
        // Only its end is of interest.
      }
    }
  }
}
