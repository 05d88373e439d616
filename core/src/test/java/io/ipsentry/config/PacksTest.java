package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ipsentry.config.Pack.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

final class PacksTest {
  private static final Path FOLDER = Path.of("../packs");

  @Test
  void find_default_isTheOriginalsList() {
    Pack pack = Packs.find("default").orElseThrow();

    assertThat(pack.kind()).isEqualTo(Kind.PATHS);
    assertThat(pack.patterns().stream().map(Pack.Pattern::regex))
        .containsExactly(
            "^/wp-admin",
            "^/wp-login\\.php",
            "^/xmlrpc\\.php",
            "^/\\.env",
            "^/\\.git/",
            "^/\\.aws/",
            "^/\\.ssh/",
            "^/phpmyadmin",
            "^/manager/html",
            "^/admin\\.php",
            "^/config\\.php",
            "^/setup\\.php",
            "^/shell\\.php",
            "^/eval\\.php",
            "^/boaform/");
    assertThat(
            pack.patterns().stream()
                .filter(Pack.Pattern::servedBySoftware)
                .map(Pack.Pattern::regex))
        .containsExactly(
            "^/wp-admin",
            "^/wp-login\\.php",
            "^/xmlrpc\\.php",
            "^/phpmyadmin",
            "^/manager/html",
            "^/admin\\.php",
            "^/config\\.php",
            "^/setup\\.php");
  }

  @Test
  void names_ofTheFolder_areListed() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      List<String> inFolder =
          files
              .map(file -> file.getFileName().toString())
              .filter(name -> name.endsWith(".yaml"))
              .map(name -> name.substring(0, name.length() - ".yaml".length()))
              .toList();
      assertThat(Packs.names()).containsExactlyInAnyOrderElementsOf(inFolder);
      assertThat(Packs.names().get(0)).isEqualTo("default");
    }
  }

  @Test
  void find_everyShippedPack_isReadWithoutAnyDoubt() throws IOException {
    for (String name : Packs.names()) {
      Problems problems = new Problems();
      byte[] yaml = Files.readAllBytes(FOLDER.resolve(name + ".yaml"));

      Optional<Pack> read = new PackReader(problems).read(name, yaml);

      assertThat(problems.errors()).isEmpty();
      assertThat(problems.warnings()).isEmpty();
      Pack pack = read.orElseThrow();
      assertThat(pack.name()).isEqualTo(name);
      assertThat(pack.description()).isNotEmpty();
      assertThat(pack).isEqualTo(Packs.find(name).orElseThrow());
    }
  }

  @Test
  void find_unknownName_isEmpty() {
    assertThat(Packs.find("../packs.list")).isEmpty();
  }
}
