package io.ipsentry.kubernetes.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonParser;
import io.ipsentry.kubernetes.api.Answers.Told;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ConfigMapReaderTest {
  private static final String MAP =
      """
      {"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"guard-log-1","uid":"u1",
       "labels":{"a":"b"},"annotations":{"x":"y"},"resourceVersion":"17",
       "managedFields":[{"manager":"m","fieldsV1":{"f:data":{".":{},"f:k":{}}}}]},
       "data":{"events":"{\\"seq\\":1}\\n","n":"1"},"binaryData":{"bytes":"AAEC/w=="},
       "immutable":true}\
      """;

  private static InputStream in(String text) {
    return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void single_aConfigMap_isReadWithWhatIsNeeded() throws IOException {
    StoredConfigMap map = Answers.single(in(MAP), ConfigMapReader::read);
    assertThat(map.name()).isEqualTo("guard-log-1");
    assertThat(map.uid()).isEqualTo("u1");
    assertThat(map.version()).isEqualTo("17");
    assertThat(map.labels()).isEqualTo(Map.of("a", "b"));
    assertThat(map.data()).isEqualTo(Map.of("events", "{\"seq\":1}\n", "n", "1"));
    assertThat(map.binary().get("bytes")).containsExactly(0, 1, 2, 255);
    assertThat(map.immutable()).isTrue();
  }

  @Test
  void answers_cutAnywhere_areRefused() {
    String page =
        "{\"kind\":\"ConfigMapList\",\"metadata\":{\"resourceVersion\":\"9\"},\"items\":["
            + MAP
            + ","
            + MAP
            + "]}";
    for (int end = 0; end < page.length(); end++) {
      String cut = page.substring(0, end);
      assertThatThrownBy(() -> Answers.page(in(cut), into(new ArrayList<>())::read))
          .as("%d characters", end)
          .isInstanceOf(IOException.class);
    }
    for (int end = 0; end < MAP.length(); end++) {
      String cut = MAP.substring(0, end);
      assertThatThrownBy(() -> Answers.single(in(cut), ConfigMapReader::read))
          .as("%d characters", end)
          .isInstanceOf(IOException.class);
    }
    assertThatThrownBy(() -> Answers.single(in("[]"), ConfigMapReader::read))
        .isInstanceOf(IOException.class);
  }

  @Test
  void page_emptyOrToBeContinued_saysSo() throws IOException {
    List<StoredConfigMap> items = new ArrayList<>();
    assertThat(
            Answers.page(
                in("{\"items\":null,\"metadata\":{\"resourceVersion\":\"9\"}}"), into(items)::read))
        .isEqualTo(new Answers.Page("9", ""));
    assertThat(items).isEmpty();
    assertThat(
            Answers.page(
                in(
                    "{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"c\","
                        + "\"remainingItemCount\":4},\"items\":["
                        + MAP
                        + "]}"),
                into(items)::read))
        .isEqualTo(new Answers.Page("9", "c"));
    assertThat(items).hasSize(1);
  }

  @Test
  void page_nameThatIsNotWanted_isSteppedOver() throws IOException {
    List<StoredConfigMap> items = new ArrayList<>();
    ConfigMapReader.Items none = new ConfigMapReader.Items(name -> false, items);
    assertThat(
            Answers.page(
                in(
                    "{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":["
                        + MAP
                        + ","
                        + MAP
                        + "]}"),
                none::read))
        .isEqualTo(new Answers.Page("9", ""));
    assertThat(items).isEmpty();
  }

  private static ConfigMapReader.Items into(List<StoredConfigMap> items) {
    return new ConfigMapReader.Items(name -> true, items);
  }

  @Test
  void next_whatAWatchTells_comesOneByOne() throws IOException {
    String bookmark =
        "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"20\"}}}\n";
    String gone =
        "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,"
            + "\"reason\":\"Expired\",\"message\":\"too old\"}}\n";
    try (JsonParser json =
        Answers.parser(in("{\"type\":\"DELETED\",\"object\":" + MAP + "}\n" + bookmark + gone))) {
      assertThat(Answers.next(json, ConfigMapReader::read))
          .hasValueSatisfying(told -> {
            assertThat(told).isInstanceOf(Told.Happened.class);
            Told.Happened<StoredConfigMap> change = (Told.Happened<StoredConfigMap>) told;
            assertThat(change.kind()).isEqualTo(ConfigMaps.Change.Kind.DELETED);
            assertThat(change.object().version()).isEqualTo("17");
          });
      assertThat(Answers.next(json, ConfigMapReader::read))
          .isEqualTo(Optional.of(new Told.Bookmark<StoredConfigMap>("20")));
      assertThat(Answers.next(json, ConfigMapReader::read))
          .isEqualTo(
              Optional.of(
                  new Told.Failed<StoredConfigMap>(
                      new Answers.Failure(410, "Expired", "too old"))));
      assertThat(Answers.next(json, ConfigMapReader::read)).isEmpty();
    }
    try (JsonParser json = Answers.parser(in("{\"type\":\"NEWS\",\"object\":{}}"))) {
      assertThatThrownBy(() -> Answers.next(json, ConfigMapReader::read))
          .isInstanceOf(IOException.class);
    }
  }

  @Test
  void failure_anyAnswer_isOne() {
    assertThat(Answers.failure(403, in("{\"reason\":\"Forbidden\",\"message\":\"no\"}")))
        .isEqualTo(new Answers.Failure(403, "Forbidden", "no"));
    assertThat(Answers.failure(502, in("<html>")))
        .isEqualTo(new Answers.Failure(502, "", "HTTP 502"));
  }
}
