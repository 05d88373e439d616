package io.ipsentry.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.cli.CommandRun.Said;
import io.ipsentry.config.ConfigLoader;
import io.ipsentry.config.ConfigResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every command in the guide to rules works, and what it shows of files is in them. */
final class RulesGuideTest {
  private static final Path DOCS = Path.of("..", "docs");
  private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```");
  private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

  private final CommandRun commands;

  RulesGuideTest(@TempDir Path directory) {
    commands = new CommandRun(directory);
  }

  private static List<String> blocks(String language) throws IOException {
    List<String> blocks = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(Files.readString(DOCS.resolve("rules.md")));
    while (matcher.find()) {
      if (matcher.group(1).equals(language)) {
        blocks.add(matcher.group(2));
      }
    }
    return blocks;
  }

  /** The words of a command line, without the program; paths are seen from this module. */
  private static String[] words(String line) {
    List<String> words = new ArrayList<>();
    Matcher matcher = WORD.matcher(line.substring("ip-sentry ".length()));
    while (matcher.find()) {
      String word = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      words.add(word.startsWith("docs/") ? "../" + word : word);
    }
    return words.toArray(String[]::new);
  }

  private static List<String> commandLines() throws IOException {
    return blocks("").stream()
        .flatMap(String::lines)
        .filter(line -> line.startsWith("ip-sentry "))
        .toList();
  }

  @Test
  void guide_everyCommand_isDone() throws IOException {
    assertThat(commandLines()).hasSizeGreaterThan(8);
    for (String line : commandLines()) {
      Said said = commands.run(words(line));
      assertThat(said.exitCode()).as("%s%n%s%s", line, said.out(), said.err()).isZero();
    }
  }

  @Test
  void guide_replays_wouldHaveBannedSomebody() throws IOException {
    List<String> replays =
        commandLines().stream().filter(line -> line.startsWith("ip-sentry replay")).toList();
    assertThat(replays).hasSizeGreaterThan(2);
    for (String line : replays) {
      assertThat(commands.run(words(line)).out()).as(line).contains("203.0.113.");
    }
  }

  @Test
  void guide_rules_areThoseOfTheExamples() throws IOException {
    List<String> yaml = blocks("yaml");
    assertThat(Files.readString(DOCS.resolve("examples/rules/shop.yaml"))).contains(yaml.get(1));
    yaml.get(0)
        .lines()
        .forEach(line ->
            assertThat(read("examples/rules/packs.yaml").lines()).as("packs.yaml").contains(line));
  }

  @Test
  void examples_ofRules_areValid() {
    for (String file : List.of("packs.yaml", "shop.yaml")) {
      ConfigResult result = new ConfigLoader().load(DOCS.resolve("examples/rules/" + file));
      assertThat(result).isInstanceOf(ConfigResult.Valid.class);
      assertThat(result.warnings())
          .allMatch(warning -> warning.what().startsWith("names no sources"));
    }
  }

  private static String read(String file) {
    try {
      return Files.readString(DOCS.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
