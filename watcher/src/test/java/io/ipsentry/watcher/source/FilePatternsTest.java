package io.ipsentry.watcher.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class FilePatternsTest {
  private static final List<String> FILES =
      List.of(
          "a.log",
          "a.log.1",
          "a.log.1.gz",
          "b.txt",
          ".hidden.log",
          "sub/a.log",
          "sub/deep/c.log",
          "sub/.git/c.log",
          "web-1/a.log");

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a.log",
        "*.log",
        "*",
        ".*.log",
        "a.log*",
        "[ab].*",
        "{a,b}.*",
        "**",
        "**/*.log",
        "sub/**/c.log",
        "web-?/a.log",
        "*/a.log",
        "missing.log"
      })
  void names_eachFileOfATree_isWhatASearchFinds(String pattern) throws IOException {
    for (String file : FILES) {
      Path path = directory.resolve(file);
      Files.createDirectories(path.getParent());
      Files.createFile(path);
    }
    FilePatterns patterns = new FilePatterns(List.of(directory + "/" + pattern));
    try (Stream<Path> all = Files.walk(directory)) {
      assertThat(all.filter(Files::isRegularFile).filter(patterns::names))
          .containsExactlyInAnyOrderElementsOf(
              patterns.expand().files().keySet().stream().filter(Files::exists).toList());
    }
  }
}
