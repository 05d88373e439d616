package io.ipsentry.cli;

import io.ipsentry.fail2ban.Fail2banException;
import io.ipsentry.fail2ban.Jail;
import io.ipsentry.fail2ban.JailTree;
import io.ipsentry.fail2ban.JailYaml;
import io.ipsentry.fail2ban.TreeFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code import fail2ban}: jails as sources and rules of ours. */
@Command(
    name = "fail2ban",
    header = "Write the jails of fail2ban as configuration of ours.",
    description = {
      "The document needs no fail2ban any more: filters are written out. To run the jails where"
          + " they are instead, write sources: - fail2ban: { directory: /etc/fail2ban }.",
      "Exit 1: a jail could not be read and is left out.",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  ip-sentry import fail2ban > ip-sentry.yaml",
      "  ip-sentry import fail2ban --jail sshd --output sshd.yaml /etc/fail2ban"
    })
final class ImportFail2banCommand implements Callable<Integer> {
  private static final int MAX_FILE_BYTES = 1 << 20;

  private final Shell shell;

  @Mixin final CommonOptions common = new CommonOptions();
  @Mixin private final ImportOutput output = new ImportOutput();

  @Option(
      names = {"-j", "--jail"},
      paramLabel = "NAME",
      description = "A jail, enabled or not; may be given again. Default: those that are enabled.")
  private List<String> jails = List.of();

  @Parameters(
      arity = "0..1",
      paramLabel = "DIR",
      description = "Where jail.conf and filter.d are. Default: ${DEFAULT-VALUE}.",
      defaultValue = "/etc/fail2ban")
  private Path directory = Path.of("/etc/fail2ban");

  ImportFail2banCommand(Shell shell) {
    this.shell = shell;
  }

  @Override
  public Integer call() throws IOException {
    JailTree tree = tree();
    List<String> wanted = jails.isEmpty() ? tree.enabled() : jails;
    if (wanted.isEmpty()) {
      throw CommandException.no(
          "no jail in " + directory + " is enabled; name some with --jail: " + tree.names());
    }
    JailYaml document = new JailYaml();
    int read = 0;
    for (String name : wanted) {
      try {
        document.add(tree.jail(name));
        read++;
      } catch (Fail2banException e) {
        say("left out: " + e.getMessage());
      }
    }
    for (Jail.Note note : document.notes()) {
      say(note.toString());
    }
    if (read == 0) {
      throw CommandException.no("none of the jails could be read");
    }
    output.write(
        "# Made by ip-sentry import fail2ban of "
            + Printable.of(directory.toString())
            + "\n"
            + document.text(),
        shell);
    return read == wanted.size() ? ExitCode.DONE : ExitCode.NO;
  }

  private JailTree tree() {
    try {
      return new JailTree(directory.toAbsolutePath().normalize(), new Disk());
    } catch (Fail2banException e) {
      throw CommandException.failed(String.valueOf(e.getMessage()), e);
    }
  }

  private void say(String text) {
    shell.err().println(Printable.of(text));
  }

  /** The files as they are; one that cannot be read is as good as absent. */
  private static final class Disk implements TreeFiles {
    @Override
    public Optional<byte[]> read(Path file) {
      if (!Files.isRegularFile(file)) {
        return Optional.empty();
      }
      try (InputStream in = Files.newInputStream(file)) {
        return Optional.of(in.readNBytes(MAX_FILE_BYTES + 1));
      } catch (IOException _) {
        return Optional.empty();
      }
    }

    @Override
    public List<Path> list(Path in) {
      if (!Files.isDirectory(in)) {
        return List.of();
      }
      try (Stream<Path> found = Files.list(in)) {
        return found.toList();
      } catch (IOException _) {
        return List.of();
      }
    }
  }
}
