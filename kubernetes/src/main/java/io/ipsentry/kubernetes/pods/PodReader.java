package io.ipsentry.kubernetes.pods;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.ipsentry.kubernetes.api.Answers;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Reads pods, as far as their logs need it. Stateless. */
final class PodReader {
  private PodReader() {}

  /**
   * A pod.
   *
   * @param containers as the kubelet reported them; empty before it did
   */
  record Pod(String name, String version, List<PodContainer> containers)
      implements Answers.Versioned {
    Pod {
      containers = List.copyOf(containers);
    }
  }

  /** What is known of a container before the pod's name is. */
  private record Status(String name, String instance, int restarts, boolean running) {}

  /** The object whose beginning was read, to its end. */
  static Pod read(JsonParser json) throws IOException {
    String name = "";
    String uid = "";
    String version = "";
    List<Status> statuses = new ArrayList<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      boolean isObject = json.nextToken() == JsonToken.START_OBJECT;
      if (field.equals("metadata") && isObject) {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String of = json.currentName();
          JsonToken value = json.nextToken();
          switch (of) {
            case "name" -> name = json.getText();
            case "uid" -> uid = json.getText();
            case "resourceVersion" -> version = json.getText();
            default -> skip(json, value);
          }
        }
        Answers.expect(json, JsonToken.END_OBJECT);
      } else if (field.equals("status") && isObject) {
        status(json, statuses);
      } else {
        json.skipChildren();
      }
    }
    Answers.expect(json, JsonToken.END_OBJECT);
    List<PodContainer> containers = new ArrayList<>();
    for (Status each : statuses) {
      containers.add(
          new PodContainer(
              name, uid, each.name(), each.instance(), each.restarts(), each.running()));
    }
    return new Pod(name, version, containers);
  }

  private static void skip(JsonParser json, JsonToken value) throws IOException {
    if (value.isStructStart()) {
      json.skipChildren();
    }
  }

  private static void status(JsonParser json, List<Status> statuses) throws IOException {
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      if (field.equals("containerStatuses") && value == JsonToken.START_ARRAY) {
        while (json.nextToken() == JsonToken.START_OBJECT) {
          statuses.add(container(json));
        }
      } else {
        skip(json, value);
      }
    }
    Answers.expect(json, JsonToken.END_OBJECT);
  }

  private static Status container(JsonParser json) throws IOException {
    String name = "";
    String instance = "";
    int restarts = 0;
    boolean running = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      switch (field) {
        case "name" -> name = json.getText();
        case "containerID" -> instance = value == JsonToken.VALUE_NULL ? "" : json.getText();
        case "restartCount" -> restarts = json.getIntValue();
        case "state" -> running = value == JsonToken.START_OBJECT && isRunning(json);
        default -> skip(json, value);
      }
    }
    Answers.expect(json, JsonToken.END_OBJECT);
    return new Status(name, instance, restarts, running);
  }

  /** Of {@code waiting}, {@code running} and {@code terminated}, one stands there. */
  private static boolean isRunning(JsonParser json) throws IOException {
    boolean running = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      running |= json.currentName().equals("running");
      skip(json, json.nextToken());
    }
    Answers.expect(json, JsonToken.END_OBJECT);
    return running;
  }
}
