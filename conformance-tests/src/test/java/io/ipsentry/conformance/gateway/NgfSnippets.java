package io.ipsentry.conformance.gateway;

import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.ipsentry.conformance.chart.HelmChart;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The real nginx, laid out as NGINX Gateway Fabric lays it out, with the snippets that the chart
 * renders in the contexts that they name: a location that passes on, one that redirects, and beside
 * them a status page in a server of its own. Stateless.
 */
final class NgfSnippets {
  private NgfSnippets() {}

  /**
   * Starts it.
   *
   * @param attachment YAML: an entry of {@code attach}; its {@code timeout} should be long, where
   *     it is not what is looked at
   */
  static Gateway start(
      Path directory, String authzAddress, String applicationAddress, String attachment)
      throws IOException {
    Map<String, String> snippets =
        new HashMap<>(Map.of("http", "", "http.server", "", "http.server.location", ""));
    GenericKubernetesResource object =
        HelmChart.render("ip-sentry", "attach: [" + attachment + "]")
            .all(GenericKubernetesResource.class)
            .stream()
            .filter(each -> each.getKind().startsWith("Snippets"))
            .findFirst()
            .orElseThrow();
    List<Map<String, String>> all = object.get("spec", "snippets");
    for (Map<String, String> each : all) {
      snippets.put(
          String.valueOf(each.get("context")),
          String.valueOf(each.get("value"))
              .replace("ip-sentry-authz-server.ip-sentry.svc.cluster.local:9002", authzAddress));
    }
    int port = Gateway.freePort();
    Path config =
        Files.writeString(
            directory.resolve("nginx.conf"),
            """
            events {}
            http {
              access_log off;
              client_body_temp_path %1$s/body;
              proxy_temp_path %1$s/proxy;
              fastcgi_temp_path %1$s/fastcgi;
              uwsgi_temp_path %1$s/uwsgi;
              scgi_temp_path %1$s/scgi;
              %2$s
              server {
                listen unix:%1$s/status.sock;
                location /stub_status { stub_status; }
              }
              server {
                listen 127.0.0.1:%3$d default_server;
                server_name app.example;
                %4$s
                location / {
                  %5$s
                  proxy_pass http://%6$s;
                }
                location = /moved { return 301 /elsewhere; }
              }
            }
            """
                .formatted(
                    directory,
                    snippets.get("http"),
                    port,
                    snippets.get("http.server"),
                    snippets.get("http.server.location"),
                    applicationAddress));
    return Gateway.start(
        directory,
        port,
        Map.of(),
        List.of(
            Programs.path("nginx").toString(),
            "-p",
            directory.toString(),
            "-c",
            config.toString(),
            "-g",
            "daemon off; user root; pid %1$s/nginx.pid; error_log %1$s/error.log;"
                .formatted(directory)));
  }
}
