package io.ipsentry.cli.demo;

import java.util.List;

/**
 * Somebody who asks the gateway, again and again.
 *
 * @param name who, for people
 * @param address the client's; one of the documentation (RFC 5737, RFC 3849)
 * @param claims what it writes into {@code X-Forwarded-For} by itself; empty: nothing
 * @param gateway whom it asks
 * @param method of its requests
 * @param paths asked one after the other, then from the first one again
 * @param perSecond requests a second
 * @param hostile whether it is to be banned in the end; the others must never be refused
 */
public record DemoClient(
    String name,
    String address,
    String claims,
    Gateway gateway,
    String method,
    List<String> paths,
    int perSecond,
    boolean hostile) {
  private static final List<String> PROBES =
      List.of("/.env", "/wp-login.php", "/.git/config", "/phpmyadmin/", "/xmlrpc.php");
  private static final List<String> PAGES =
      List.of("/", "/products?page=2", "/style.css", "/cart", "/favicon.ico");

  /** The two ways in which the gateway's requests come to be judged. */
  public enum Gateway {
    /** Its access log is read. */
    LOG,
    /** Each request is judged itself, before the application has it. */
    INLINE
  }

  public DemoClient {
    paths = List.copyOf(paths);
  }

  /**
   * The cast.
   *
   * @param perSecond of the clients that probe
   */
  public static List<DemoClient> cast(int perSecond) {
    return List.of(
        new DemoClient("prober", "203.0.113.7", "", Gateway.LOG, "GET", PROBES, perSecond, true),
        new DemoClient(
            "prober, inline", "203.0.113.8", "", Gateway.INLINE, "GET", PROBES, perSecond, true),
        // Its /64 is banned, of which every visitor by IPv6 has one.
        new DemoClient(
            "prober, IPv6", "2001:db8:1:2::3", "", Gateway.LOG, "GET", PROBES, perSecond, true),
        new DemoClient(
            "password guesser",
            "203.0.113.66",
            "",
            Gateway.LOG,
            "POST",
            List.of("/login"),
            5,
            true),
        new DemoClient(
            "framer of the customer",
            "203.0.113.99",
            "198.51.100.23",
            Gateway.LOG,
            "GET",
            PROBES,
            Math.min(perSecond, 10),
            true),
        new DemoClient("customer", "198.51.100.23", "", Gateway.LOG, "GET", PAGES, 10, false),
        new DemoClient(
            "customer, inline", "198.51.100.24", "", Gateway.INLINE, "GET", PAGES, 10, false),
        new DemoClient(
            "crawler, dead links",
            "192.0.2.80",
            "",
            Gateway.LOG,
            "GET",
            List.of("/", "/old/page.html", "/robots.txt"),
            5,
            false));
  }
}
