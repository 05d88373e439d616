package io.ipsentry.conformance.cluster;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ipsentry.testing.cluster.TestCluster;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;

/**
 * What somebody asked of the API server, as its audit log tells; or asked of a watcher, which asked
 * the API server whether he may (SubjectAccessReview).
 *
 * @param user name, {@code system:serviceaccount:NAMESPACE:NAME} of a process
 * @param namespace empty: in none, or in all
 * @param resource with its subresource, {@code pods/log}
 * @param name of the object; empty: of none, as a list and a creation
 * @param refused whether it was not his right
 */
record Access(
    String user,
    String verb,
    String namespace,
    String group,
    String resource,
    String name,
    boolean refused) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int FORBIDDEN = 403;

  /** All until now, in the order of their answers. */
  static List<Access> of(TestCluster cluster) {
    try {
      List<Access> all = new ArrayList<>();
      for (String line : Files.readAllLines(cluster.auditLog())) {
        JsonNode event = JSON.readTree(line);
        all.add(direct(event));
        if (event.at("/objectRef/resource").asText().equals("subjectaccessreviews")
            && event.has("responseObject")) {
          all.add(reviewed(event.get("responseObject")));
        }
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the audit log", e);
    }
  }

  private static Access direct(JsonNode event) {
    JsonNode object = event.path("objectRef");
    String subresource = object.path("subresource").asText();
    boolean resource = object.has("resource");
    return new Access(
        event.at("/user/username").asText(),
        event.path("verb").asText(),
        object.path("namespace").asText(),
        object.path("apiGroup").asText(),
        (resource ? object.path("resource").asText() : event.path("requestURI").asText())
            + (subresource.isEmpty() ? "" : "/" + subresource),
        object.path("name").asText(),
        event.at("/responseStatus/code").asInt() == FORBIDDEN);
  }

  private static Access reviewed(JsonNode review) {
    JsonNode asked = review.at("/spec/resourceAttributes");
    return new Access(
        review.at("/spec/user").asText(),
        asked.path("verb").asText(),
        asked.path("namespace").asText(),
        asked.path("group").asText(),
        asked.path("resource").asText(),
        asked.path("name").asText(),
        !review.at("/status/allowed").asBoolean());
  }
}
