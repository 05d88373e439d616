package io.ipsentry.config;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads where certificates and keys are, and looks at them. */
final class TlsReader {
  private final InputFiles files;
  private final Path directory;
  private final @Nullable InstantSource clock;

  /**
   * A reader.
   *
   * @param clock tells which certificates have expired; null: that is not looked at
   */
  TlsReader(InputFiles files, Path directory, @Nullable InstantSource clock) {
    this.files = files;
    this.directory = directory;
    this.clock = clock;
  }

  /** Reads a {@code tls} section; empty if it cannot be used, which is then reported. */
  Optional<TlsConfig> tls(Value value) {
    Optional<Section> section = value.section(Keys.TLS);
    if (section.isEmpty()) {
      return Optional.empty();
    }
    Optional<Path> certificate =
        path(section.get().require("certificate", "write certificate: and the path of a PEM file"));
    Optional<Path> key =
        path(section.get().require("key", "write key: and the path of a PEM file"));
    Optional<Path> clientCa = path(section.get().get("clientCa"));
    if (certificate.isEmpty()
        || key.isEmpty()
        || clientCa.isPresent() != section.get().has("clientCa")) {
      return Optional.empty();
    }
    TlsConfig config = new TlsConfig(certificate.get(), key.get(), clientCa);
    return look(config, section.get()) ? Optional.of(config) : Optional.empty();
  }

  private Optional<Path> path(Optional<Value> value) {
    return value.flatMap(written -> ServiceReader.path(written, directory));
  }

  private boolean look(TlsConfig config, Section section) {
    try {
      TlsMaterial material = TlsMaterial.read(config);
      if (clock != null) {
        material
            .doubt(clock.instant())
            .ifPresent(doubt ->
                section
                    .get("certificate")
                    .orElseThrow()
                    .warn(
                        config.certificate() + " " + doubt,
                        "renew it; a new one is taken without a restart"));
      }
      return true;
    } catch (TlsFileException e) {
      // The servers watch these files themselves; only one that is to be mended is waited for here.
      files.track(config.certificate());
      files.track(config.key());
      config.clientCa().ifPresent(files::track);
      String key = e.file().equals(config.certificate()) ? "certificate" : "key";
      boolean isCa = !e.file().equals(config.certificate()) && !e.file().equals(config.key());
      section.get(isCa ? "clientCa" : key).orElseThrow().error(e.file() + " " + e.what(), e.mend());
      return false;
    }
  }
}
