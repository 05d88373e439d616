package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is shown of the gateways' configurations is what the files hold that tests run. */
final class AttachGuideTest {
  private static final Path ROOT = Path.of("..");

  /** The path of a file on a line of its own, and a block of code. */
  private static final Pattern BLOCK =
      Pattern.compile("(?ms)^`((?:docs/)?examples/attach/[^`]+)`\\n\\n```\\w*\\n(.*?)^```");

  @ParameterizedTest
  @ValueSource(strings = {"docs/attach.md", "README.md"})
  void blocks_ofEachGuide_standInTheirFiles(String guide) throws IOException {
    String text = Files.readString(ROOT.resolve(guide));
    Matcher block = BLOCK.matcher(text);
    Set<String> shown = new TreeSet<>();
    while (block.find()) {
      Path file = ROOT.resolve("docs").resolve(block.group(1).replaceFirst("^docs/", ""));
      assertThat(unindented(Files.readString(file)))
          .as("%s in %s", file, guide)
          .contains(unindented(block.group(2)));
      shown.add(file.getFileName().toString());
    }
    assertThat(shown).contains("nginx.conf", "envoy.yaml", "traefik.yaml", "Caddyfile");
  }

  @ParameterizedTest
  @ValueSource(strings = "docs/attach.md")
  void guide_namesEveryFile(String guide) throws IOException {
    String text = Files.readString(ROOT.resolve(guide));
    try (Stream<Path> files = Files.list(ROOT.resolve("docs/examples/attach"))) {
      assertThat(files.toList())
          .isNotEmpty()
          .allSatisfy(file -> assertThat(text).contains("](examples/attach/" + file.getFileName()));
    }
  }

  private static String unindented(String text) {
    return text.lines().map(String::strip).collect(Collectors.joining("\n"));
  }
}
