package io.ipsentry.watcher.sink.call;

import static com.github.tomakehurst.wiremock.client.WireMock.any;
import static com.github.tomakehurst.wiremock.client.WireMock.anyUrl;
import static com.github.tomakehurst.wiremock.client.WireMock.ok;
import static com.github.tomakehurst.wiremock.core.WireMockConfiguration.wireMockConfig;

import com.github.tomakehurst.wiremock.WireMockServer;
import com.github.tomakehurst.wiremock.client.ResponseDefinitionBuilder;
import com.github.tomakehurst.wiremock.extension.ResponseDefinitionTransformerV2;
import com.github.tomakehurst.wiremock.http.ResponseDefinition;
import com.github.tomakehurst.wiremock.stubbing.ServeEvent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A server that takes messages and answers as a test says; each is taken that is answered 200. */
public final class Receiver implements AutoCloseable {
  private final WireMockServer server;
  private final Deque<ResponseDefinition> answers = new ArrayDeque<>();
  private final List<Message> taken = new ArrayList<>();
  private final List<Message> refused = new ArrayList<>();
  private final String success;

  /**
   * A message.
   *
   * @param headers by their names in lower case
   */
  public record Message(String url, Map<String, String> headers, String body) {}

  /**
   * @param success body of an answer to what is taken
   */
  public Receiver(String success) {
    this.success = success;
    server = new WireMockServer(wireMockConfig().dynamicPort().extensions(new Answers()));
    server.start();
    server.stubFor(any(anyUrl()).willReturn(ok()));
  }

  private final class Answers implements ResponseDefinitionTransformerV2 {
    @Override
    public String getName() {
      return "receiver";
    }

    @Override
    public ResponseDefinition transform(ServeEvent event) {
      Map<String, String> headers = new TreeMap<>();
      event
          .getRequest()
          .getHeaders()
          .all()
          .forEach(header ->
              headers.put(header.key().toLowerCase(java.util.Locale.ROOT), header.firstValue()));
      Message message =
          new Message(event.getRequest().getUrl(), headers, event.getRequest().getBodyAsString());
      synchronized (Receiver.this) {
        ResponseDefinition answer = answers.poll();
        if (answer != null) {
          refused.add(message);
          return answer;
        }
        taken.add(message);
      }
      return new ResponseDefinitionBuilder().withStatus(200).withBody(success).build();
    }
  }

  /** Base of its URLs. */
  public String url() {
    return server.baseUrl();
  }

  /** The next message is answered so. */
  public synchronized void answer(ResponseDefinitionBuilder answer) {
    answers.add(answer.build());
  }

  /** What was taken. */
  public synchronized List<Message> taken() {
    return List.copyOf(taken);
  }

  /** What was answered otherwise. */
  public synchronized List<Message> refused() {
    return List.copyOf(refused);
  }

  /** As at the beginning. */
  public synchronized void reset() {
    answers.clear();
    taken.clear();
    refused.clear();
    server.resetRequests();
  }

  @Override
  public void close() {
    server.stop();
  }
}
