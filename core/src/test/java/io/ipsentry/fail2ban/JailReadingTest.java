package io.ipsentry.fail2ban;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.testing.RequiresProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every jail of the installed package expands to what fail2ban itself expands it to. */
@RequiresProgram("fail2ban-regex")
final class JailReadingTest {
  @Test
  void jails_ofThePackage_expandAsThere(@TempDir Path directory)
      throws IOException, InterruptedException {
    Path script = Files.writeString(directory.resolve("expand.py"), EXPAND);
    Path answers = directory.resolve("answers.txt");
    Process python =
        new ProcessBuilder("python3", script.toString(), MemoryTree.INSTALLED.toString())
            .redirectOutput(answers.toFile())
            .redirectError(directory.resolve("errors.txt").toFile())
            .start();
    boolean ended = python.waitFor(60, TimeUnit.SECONDS);
    python.destroyForcibly();
    assertThat(ended).isTrue();
    assertThat(python.exitValue()).as(Files.readString(directory.resolve("errors.txt"))).isZero();

    List<String> ours = new ArrayList<>();
    JailTree jails = new JailTree(MemoryTree.INSTALLED, MemoryTree.disk());
    for (String name : jails.names()) {
      Jail jail = jails.jail(name);
      Filter filter = jail.filter();
      filter.prefregex().ifPresent(regex -> ours.add(name + " prefregex " + regex));
      filter.failregex().forEach(regex -> ours.add(name + " addfailregex " + regex));
      filter.ignoreregex().forEach(regex -> ours.add(name + " addignoreregex " + regex));
      filter.datepattern().forEach(pattern -> ours.add(name + " datepattern " + pattern));
      ours.add(name + " maxlines " + filter.maxlines());
      ours.add(name + " maxretry " + jail.maxretry());
      ours.add(name + " findtime " + jail.findtime().toSeconds());
      ours.add(name + " bantime " + seconds(jail.ban().length()));
    }
    assertThat(ours).containsExactlyInAnyOrderElementsOf(Files.readAllLines(answers));
  }

  private static long seconds(@Nullable Duration length) {
    return length == null ? -1 : length.toSeconds();
  }

  private static final String EXPAND =
      """
      import logging, sys
      sys.path.insert(0, '/usr/lib/python3/dist-packages')
      logging.disable(logging.CRITICAL)
      from fail2ban.client.jailsreader import JailsReader
      from fail2ban.server.mytime import MyTime
      jails = JailsReader(force_enable=True, basedir=sys.argv[1], share_config={})
      jails.read()
      jails.getOptions()
      for jail in jails.jails:
          said = {'maxlines': '1', 'maxretry': '3', 'findtime': '600', 'bantime': '600'}
          for command in jail.convert(allow_no_files=True):
              if len(command) < 4:
                  continue
              option = command[2]
              values = command[3] if isinstance(command[3], list) else [command[3]]
              if option in ('addfailregex', 'addignoreregex', 'prefregex', 'datepattern'):
                  for value in values:
                      for line in value.split('\\n'):
                          if line.strip():
                              line = line.strip() if option == 'datepattern' else line
                              print(jail.getName(), option, line)
              elif option in said:
                  said[option] = values[0]
          for option in ('findtime', 'bantime'):
              said[option] = int(MyTime.str2seconds(said[option]))
          for option, value in said.items():
              print(jail.getName(), option, value)
      """;
}
