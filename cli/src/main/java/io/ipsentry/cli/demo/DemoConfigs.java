package io.ipsentry.cli.demo;

import java.nio.file.Path;

/** The configurations of the stage. */
final class DemoConfigs {
  private DemoConfigs() {}

  /**
   * Two rules read the log of the gateway, one judges the requests of the other gateway themselves.
   */
  static String ipSentry(Path directory, int authz) {
    return """
    sources: [{ name: gateway, file: %1$s/access.log, format: combined }]
    rules:
      - name: probing
        match: { packs: [default], sources: [gateway] }
        threshold: 3
        window: 2m
        ban: 1h
      - name: logins
        match: { methods: [POST], paths: ['^/login$'], status: "401", sources: [gateway] }
        threshold: 5
        window: 10m
        ban: 1h
      - name: probing-inline
        on: request
        match: { packs: [default], anyStatus: true }
        threshold: 3
        window: 2m
        ban: 1h
    authz:
      http: "127.0.0.1:%2$d"
      callers: [127.0.0.1]
      rules: []
      policies: { inline: { rules: [probing-inline] } }
    store: { path: %1$s/ip-sentry.db }
    admin: { socket: %1$s/admin.sock }
    metrics: { listen: "off" }
    """
        .formatted(directory, authz);
  }

  /**
   * The application, and before it two gateways that ask. Answers that nginx gives by {@code
   * return} alone would not be asked about, so the application is a server of its own.
   */
  static String nginx(Path directory, int log, int inline, int authz, int application) {
    return """
    daemon off;
    master_process off;
    pid %1$s/nginx.pid;
    error_log %1$s/nginx.log;
    events { worker_connections 1024; }
    http {
      client_body_temp_path %1$s/body;
      proxy_temp_path %1$s/proxy;
      fastcgi_temp_path %1$s/fastcgi;
      uwsgi_temp_path %1$s/uwsgi;
      scgi_temp_path %1$s/scgi;
      set_real_ip_from 127.0.0.1;
      real_ip_header X-Forwarded-For;
      upstream ip_sentry { server 127.0.0.1:%4$d; keepalive 32; }
      upstream application { server 127.0.0.1:%5$d; keepalive 32; }
      server {
        listen 127.0.0.1:%5$d;
        access_log off;
        location = /login { return 401 "no\\n"; }
        location ~ ^/($|products|cart|style|favicon|robots) { return 200 "welcome\\n"; }
        location / { return 404 "nothing here\\n"; }
      }
      %6$s
      %7$s
    }
    """
        .formatted(
            directory,
            log,
            inline,
            authz,
            application,
            gateway(log, directory + "/access.log combined", "/forward-auth"),
            gateway(inline, "off", "/policies/inline/forward-auth"));
  }

  private static String gateway(int port, String accessLog, String endpoint) {
    return """
    server {
      listen 127.0.0.1:%1$d;
      access_log %2$s;
      auth_request /_ip_sentry;
      location = /_ip_sentry {
        internal;
        auth_request off;
        proxy_pass http://ip_sentry%3$s;
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
      location / {
        proxy_pass http://application;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
      }
    }
    """
        .formatted(port, accessLog, endpoint);
  }
}
