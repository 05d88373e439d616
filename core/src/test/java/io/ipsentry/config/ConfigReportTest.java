package io.ipsentry.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class ConfigReportTest {
  private static ConfigResult parse(String yaml) {
    return new ConfigLoader()
        .parse("c.yaml", yaml.getBytes(StandardCharsets.UTF_8), Path.of("/etc"));
  }

  @Test
  void text_validWithoutDoubt_isOneLine() {
    assertThat(ConfigReport.text("c.yaml", parse("sources: { stdin: true }")))
        .isEqualTo("c.yaml: valid\n");
  }

  @Test
  void jsonLines_errorsAndWarnings_areOneObjectEach() {
    ConfigResult result =
        parse(
            "sources: { stdin: true }\nneverBan: 10.0.0.1/8\nallow: file:none\nmod: \"a\\\"b\"\n");

    assertThat(ConfigReport.jsonLines("c.yaml", result))
        .isEqualTo(
            """
            {"severity":"error","file":"c.yaml","line":3,"column":8,"path":"allow","what":"/etc/none is not there","mend":"create it, or correct the path"}
            {"severity":"error","file":"c.yaml","line":4,"column":1,"path":"mod","what":"is not a known key","mend":"did you mean mode?"}
            {"severity":"warning","file":"c.yaml","line":2,"column":11,"path":"neverBan","what":"10.0.0.1/8 has bits behind its length and is taken as 10.0.0.0/8","mend":"write 10.0.0.0/8"}
            {"file":"c.yaml","valid":false,"errors":2,"warnings":1}
            """);
  }

  @Test
  void jsonLines_problemOfAFile_hasNoPosition() {
    ConfigResult result = new ConfigLoader().load(Path.of("/nonexistent/c.yaml"));

    assertThat(ConfigReport.jsonLines("c.yaml", result))
        .startsWith("{\"severity\":\"error\",\"file\":\"/nonexistent/c.yaml\",\"path\":\"\",")
        .endsWith("{\"file\":\"c.yaml\",\"valid\":false,\"errors\":1,\"warnings\":0}\n");
  }
}
