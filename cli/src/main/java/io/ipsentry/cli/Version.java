package io.ipsentry.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.IVersionProvider;

/** Version of this build, written by Maven into {@code version.properties}. */
final class Version implements IVersionProvider {

  /** Returns one line: {@code ip-sentry 0.1.0}. */
  @Override
  public String[] getVersion() {
    return new String[] {"ip-sentry " + text()};
  }

  /** The number alone. */
  static String text() {
    Properties properties = new Properties();
    try (InputStream in = Version.class.getResourceAsStream("version.properties")) {
      if (in == null) {
        throw new IllegalStateException("version.properties is missing from the class path");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read version.properties", e);
    }
    return properties.getProperty("version", "unknown");
  }
}
