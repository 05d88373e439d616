package io.ipsentry.watcher;

import io.ipsentry.watcher.source.LineHandler;
import io.ipsentry.watcher.source.ReplayReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/** A log to replay. */
public sealed interface ReplayInput {
  /** What it is called in messages. */
  String label();

  /** Opens it; its lines go to {@code handler}. */
  ReplayReader open(LineHandler handler) throws IOException;

  /** A file, plain or compressed with gzip. */
  record LogFile(Path path) implements ReplayInput {
    @Override
    public String label() {
      return path.toString();
    }

    @Override
    public ReplayReader open(LineHandler handler) throws IOException {
      return ReplayReader.open(path, handler);
    }
  }

  /** A stream that can be read once, such as standard input. */
  record LogStream(String label, InputStream stream) implements ReplayInput {
    @Override
    public ReplayReader open(LineHandler handler) throws IOException {
      return ReplayReader.of(label, stream, handler);
    }
  }
}
