package io.ipsentry.bench.compare;

import io.ipsentry.testing.NetworkNamespace;
import io.ipsentry.testing.Programs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A node with nginx and a world of clients around it, as two network namespaces. */
final class Site implements AutoCloseable {
  static final String ADDRESS = "203.0.113.1";
  static final int PORT = 8080;

  private static final String FIRST =
      "[ ! -w /proc/self/autogroup ] || echo -20 >/proc/self/autogroup; exec \"$@\"";

  private static final String CONFIG = "nginx.conf";

  /** Clients are 203.0.113.2 to this. */
  private static final int LAST_CLIENT = 60;

  /**
   * What nginx does with a request: serve a directory, ask ip-sentry before, or answer by itself.
   */
  private static final String SERVES =
      "access_log %s/access.log combined; server { listen %s:%d; root %1$s/html; }";

  private static final String ASKS =
      """
      access_log %1$s/access.log combined;
      upstream ip_sentry { server 127.0.0.1:9002; keepalive 32; }
      server {
        listen %2$s:%3$d;
        root %1$s/html;
        auth_request /_ip_sentry;
        location = /_ip_sentry {
          internal;
          auth_request off;
          proxy_pass http://ip_sentry/forward-auth;
          proxy_http_version 1.1;
          proxy_pass_request_body off;
          proxy_pass_request_headers off;
          proxy_set_header Connection "";
          proxy_set_header Content-Length "";
          proxy_set_header X-Forwarded-For $remote_addr;
          proxy_set_header X-Forwarded-Method $request_method;
          proxy_set_header X-Forwarded-Host $host;
          proxy_set_header X-Forwarded-Uri $request_uri;
        }
      }
      """;
  private static final String ANSWERS =
      """
      access_log off;
      keepalive_requests 1000000000;
      keepalive_timeout 1h;
      server { listen %2$s:%3$d; location / { return 200 "ok"; } }
      server { listen unix:%1$s/status; location / { stub_status; } }
      """;

  private final NetworkNamespace node;
  private final NetworkNamespace world;
  private final Path directory;
  private final Daemon nginx;

  private Site(NetworkNamespace node, NetworkNamespace world, Path directory, Daemon nginx) {
    this.node = node;
    this.world = world;
    this.directory = directory;
    this.nginx = nginx;
  }

  /** It serves an empty directory and logs. */
  static Site serving(Path directory) throws IOException, InterruptedException {
    return start(directory, SERVES, nginx(directory));
  }

  /** The same, after it has asked {@code ip-sentry run} in the same namespace. */
  static Site asking(Path directory) throws IOException, InterruptedException {
    return start(directory, ASKS, nginx(directory));
  }

  /** It answers as fast as it can on its core, and logs nothing; it has a {@link #status}. */
  static Site answering(Path directory) throws IOException, InterruptedException {
    return start(directory, ANSWERS, onItsCore(nginx(directory)));
  }

  /**
   * The command that runs a command on one core of this machine, always the same, before all other
   * work there: by nice and in a scheduling group of its own, between which nice says nothing; see
   * sched(7), "The autogroup feature".
   */
  static List<String> onItsCore(List<String> command) {
    int last = Runtime.getRuntime().availableProcessors() - 1;
    List<String> whole = new ArrayList<>(List.of("setsid", "sh", "-c", FIRST, "sh"));
    whole.addAll(List.of("nice", "-n", "-20", "taskset", "-c", Integer.toString(last)));
    whole.addAll(command);
    return whole;
  }

  private static List<String> nginx(Path directory) {
    return List.of(
        Programs.path("nginx").toString(),
        "-p",
        directory.toString(),
        "-c",
        directory.resolve(CONFIG).toString());
  }

  private static Site start(Path directory, String http, List<String> command)
      throws IOException, InterruptedException {
    Files.createDirectories(directory.resolve("html"));
    Files.createFile(directory.resolve("access.log"));
    Files.writeString(
        directory.resolve(CONFIG),
        """
        daemon off;
        master_process off;
        pid %1$s/nginx.pid;
        error_log %1$s/error.log notice;
        events { worker_connections 4096; }
        http {
          client_body_temp_path %1$s/body; proxy_temp_path %1$s/proxy; fastcgi_temp_path %1$s/fastcgi;
          uwsgi_temp_path %1$s/uwsgi; scgi_temp_path %1$s/scgi;
        """
                .formatted(directory)
            + http.formatted(directory, ADDRESS, PORT)
            + "}\n");
    NetworkNamespace node = Bench.namespace("node");
    NetworkNamespace world = Bench.namespace("world");
    List<String> clients = new ArrayList<>();
    for (int last = 2; last <= LAST_CLIENT; last++) {
      clients.add("203.0.113." + last + "/24");
    }
    NetworkNamespace.connect("veth0", node, List.of(ADDRESS + "/24"), world, clients);
    Daemon nginx = Daemon.start(node, directory.resolve("nginx.out"), Map.of(), command);
    Site site = new Site(node, world, directory, nginx);
    try {
      nginx.await(directory.resolve("error.log"), "getrlimit");
    } catch (IOException | InterruptedException | RuntimeException e) {
      site.close();
      throw e;
    }
    return site;
  }

  /** The client of a round; each is another one. */
  static String client(int round) {
    if (round > LAST_CLIENT - 2) {
      throw new IllegalArgumentException("too many rounds: " + round);
    }
    return "203.0.113." + (2 + round);
  }

  NetworkNamespace node() {
    return node;
  }

  NetworkNamespace world() {
    return world;
  }

  Path log() {
    return directory.resolve("access.log");
  }

  /** The socket on which nginx tells how many requests it has answered. */
  Path status() {
    return directory.resolve("status");
  }

  long nginx() {
    return nginx.pid();
  }

  @Override
  public void close() {
    nginx.close();
    world.close();
    node.close();
  }
}
