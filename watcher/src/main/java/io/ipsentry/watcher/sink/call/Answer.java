package io.ipsentry.watcher.sink.call;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Optional;

/**
 * What a server answered.
 *
 * @param status of HTTP
 * @param retryAfter how long it wants not to be asked
 * @param body as bytes; the caller's
 */
@SuppressWarnings("ArrayRecordComponent") // handed from one method to the next, never compared
public record Answer(int status, Optional<Duration> retryAfter, byte[] body) {
  private static final JsonMapper JSON = new JsonMapper();

  /** Whether it is a success. */
  public boolean isSuccess() {
    return status >= 200 && status < 300;
  }

  /** The body as JSON; a missing node if it is none. */
  public JsonNode json() {
    try {
      JsonNode node = JSON.readTree(body);
      return node == null ? MissingNode.getInstance() : node;
    } catch (JsonProcessingException e) {
      return MissingNode.getInstance();
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
  }
}
