package io.ipsentry.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.ipsentry.ban.BanEvent;
import io.ipsentry.ban.SequencedEvent;
import io.ipsentry.cli.Table.Column;
import io.ipsentry.cli.demo.ClusterPlay;
import io.ipsentry.cli.demo.ClusterTrack;
import io.ipsentry.cli.demo.NodeTrack;
import io.ipsentry.net.IpPrefix;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * Draws a {@link ClusterPlay}: the time lines of its clients, the events of the log as they come
 * above them, and at the end who was refused where. Confined to one thread.
 */
final class ClusterDemoDrawing {
  /** Columns of a time line; a terminal of 80 columns has room for it. */
  static final int SLOTS = 48;

  private static final int NAME_COLUMNS = 20;
  private static final int NODE_COLUMNS = 8;

  private final Shell shell;
  private final Style style;
  private final PrintStream out;
  private final List<String> nodes;
  private int linesDrawn;
  private int eventsTold;

  ClusterDemoDrawing(Shell shell, List<String> nodes) {
    this.shell = shell;
    this.nodes = nodes;
    style = Style.of(shell);
    out = shell.out();
  }

  /** Draws anew, over what was drawn before; what is new in the log goes above it. */
  void draw(ClusterPlay play, Duration length) {
    if (linesDrawn > 0) {
      // Up to where the drawing begins, and away with all below.
      out.print("\u001b[" + linesDrawn + "A\u001b[J");
    }
    tell(play);
    List<String> lines = new ArrayList<>();
    lines.add(
        style.faint(
            " ".repeat(NAME_COLUMNS + NODE_COLUMNS)
                + "# answered  x refused (L7)  ! dropped (L3)  "
                + length.toSeconds()
                + " s"));
    play.tracks().forEach(track -> lines.addAll(lines(track)));
    lines.forEach(out::println);
    out.flush();
    linesDrawn = lines.size();
  }

  /** Prints the events that were not told yet. */
  void tell(ClusterPlay play) {
    List<SequencedEvent> fresh = play.eventsFrom(eventsTold);
    eventsTold += fresh.size();
    fresh.forEach(event -> out.println(style.bold(line(event, play.begunAt()))));
    out.flush();
  }

  private static String line(SequencedEvent event, Instant begun) {
    String at = "%7.3f s".formatted(Duration.between(begun, event.event().at()).toMillis() / 1e3);
    String what =
        switch (event.event()) {
          case BanEvent.Ban ban ->
              "ban of %s, rule %s, %d hits, seen as %s"
                  .formatted(ban.ip(), ban.rule(), ban.hits(), ban.seenAs().wireName());
          case BanEvent.Unban unban -> "unban of " + unban.ip();
          case BanEvent.Allow allow -> "allow of " + allow.ip();
          case BanEvent.Disallow disallow -> "disallow of " + disallow.ip();
          case BanEvent.Feed feed -> "feed " + feed.feed() + ", " + feed.entries() + " entries";
        };
    return at + "  event " + event.seq() + ": " + what;
  }

  /** A line a node of an attacker, one line of everybody else. */
  private List<String> lines(ClusterTrack track) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      String name = i == 0 ? track.client().name() : "";
      lines.add(
          ("%-" + NAME_COLUMNS + "s%-" + NODE_COLUMNS + "s").formatted(name, nodes.get(i))
              + track
                  .nodes()
                  .get(i)
                  .line()
                  .codePoints()
                  .mapToObj(Character::toString)
                  .map(this::coloured)
                  .collect(Collectors.joining()));
      if (!track.client().hostile()) {
        return List.of(merged(track));
      }
    }
    return lines;
  }

  private String merged(ClusterTrack track) {
    StringBuilder line = new StringBuilder(".".repeat(SLOTS));
    for (NodeTrack node : track.nodes()) {
      String one = node.line();
      for (int i = 0; i < SLOTS; i++) {
        if (rank(one.charAt(i)) > rank(line.charAt(i))) {
          line.setCharAt(i, one.charAt(i));
        }
      }
    }
    return ("%-" + NAME_COLUMNS + "s%-" + NODE_COLUMNS + "s")
            .formatted(track.client().name(), "all")
        + line.chars()
            .mapToObj(Character::toString)
            .map(this::coloured)
            .collect(Collectors.joining());
  }

  private static int rank(char mark) {
    return ".#x!".indexOf(mark);
  }

  private String coloured(String mark) {
    return switch (mark) {
      case "#" -> style.green(mark);
      case "x" -> style.yellow(mark);
      case "!" -> style.red(mark);
      default -> style.faint(mark);
    };
  }

  /** Prints who was refused where, after how many answers and how long. */
  void tables(ClusterPlay play) {
    out.println();
    Table clients =
        Table.on(
            shell,
            Column.text("CLIENT"),
            Column.text("ADDRESS"),
            Column.number("ANSWERED"),
            Column.text("BANNED"),
            Column.text("REFUSED FIRST (L7)"),
            Column.text("DROPPED (L3), " + String.join(" / ", nodes)));
    for (ClusterTrack track : play.tracks()) {
      clients.row(
          track.client().name(),
          addresses(track),
          String.valueOf(track.answers()),
          banned(track, play),
          track
              .refusal()
              .map(first ->
                  "%s, after %d answers, %s"
                      .formatted(
                          nodes.get(first.node()), first.answeredBefore(), millis(first.nanos())))
              .orElse("never"),
          drops(track));
    }
    clients.flush();
  }

  private static String addresses(ClusterTrack track) {
    List<String> all = track.client().addresses();
    return all.size() == 1 ? all.getFirst() : all.getFirst() + " and " + (all.size() - 1);
  }

  private static String banned(ClusterTrack track, ClusterPlay play) {
    return ban(track, play)
        .map(event ->
            event.event() instanceof BanEvent.Ban ban
                ? ban.rule() + ", " + since(play, ban.at()).toMillis() + " ms"
                : "")
        .orElse("never");
  }

  /** The event that first bans a client; empty: there is none. */
  private static Optional<SequencedEvent> ban(ClusterTrack track, ClusterPlay play) {
    List<IpPrefix> addresses = track.client().addresses().stream().map(IpPrefix::parse).toList();
    return play.eventsFrom(0).stream()
        .filter(event ->
            event.event() instanceof BanEvent.Ban ban
                && addresses.stream().anyMatch(ban.ip()::contains))
        .findFirst();
  }

  private static Duration since(ClusterPlay play, Instant moment) {
    return Duration.between(play.begunAt(), moment);
  }

  /** Prints an object a client. */
  void json(ClusterPlay play) {
    JsonLines lines = new JsonLines(out);
    for (ClusterTrack track : play.tracks()) {
      lines.object(json -> {
        json.writeStringField("client", track.client().name());
        json.writeStringField("ip", track.client().addresses().getFirst());
        json.writeBooleanField("hostile", track.client().hostile());
        json.writeNumberField("answered", track.answers());
        Optional<SequencedEvent> event = ban(track, play);
        if (event.isPresent() && event.get().event() instanceof BanEvent.Ban ban) {
          json.writeStringField("rule", ban.rule());
          json.writeNumberField("banned_after_seconds", since(play, ban.at()).toMillis() / 1e3);
        } else {
          json.writeNullField("rule");
          json.writeNullField("banned_after_seconds");
        }
        json.writeArrayFieldStart("nodes");
        for (int i = 0; i < nodes.size(); i++) {
          NodeTrack.Result result = track.nodes().get(i).result();
          json.writeStartObject();
          json.writeStringField("node", nodes.get(i));
          json.writeNumberField("answered", result.answered());
          json.writeNumberField("refused", result.refused());
          json.writeNumberField("dropped", result.dropped());
          json.writeNumberField("unanswered", result.unanswered());
          seconds(json, "first_refusal_seconds", result.firstRefusalNanos());
          seconds(json, "first_drop_seconds", result.firstDropNanos());
          json.writeEndObject();
        }
        json.writeEndArray();
      });
    }
  }

  private static void seconds(JsonGenerator json, String name, OptionalLong nanos)
      throws IOException {
    if (nanos.isPresent()) {
      json.writeNumberField(name, nanos.getAsLong() / 1e9);
    } else {
      json.writeNullField(name);
    }
  }

  private static String drops(ClusterTrack track) {
    List<NodeTrack.Result> results = track.nodes().stream().map(NodeTrack::result).toList();
    if (results.stream().allMatch(result -> result.firstDropNanos().isEmpty())) {
      return "never";
    }
    return results.stream()
        .map(result ->
            result.firstDropNanos().isEmpty() ? "-" : millis(result.firstDropNanos().getAsLong()))
        .collect(Collectors.joining(" / "));
  }

  private static String millis(long nanos) {
    return Math.round(nanos / 1e6) + " ms";
  }
}
