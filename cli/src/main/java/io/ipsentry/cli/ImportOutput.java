package io.ipsentry.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where an imported document goes. */
final class ImportOutput {
  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Write the document there; the file must not exist. Default: standard output.")
  private @Nullable Path file;

  void write(String document, Shell shell) throws IOException {
    if (file == null) {
      shell.out().print(document);
      shell.out().flush();
      return;
    }
    if (Files.exists(file)) {
      throw CommandException.failed(file + " exists already; remove it, or name another file");
    }
    Files.writeString(file, document, StandardCharsets.UTF_8, StandardOpenOption.CREATE_NEW);
  }
}
