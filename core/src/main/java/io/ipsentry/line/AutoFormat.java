package io.ipsentry.line;

import java.util.List;
import java.util.function.Consumer;

/**
 * Recognises the format of a stream from its lines: {@code auto}.
 *
 * <p>Every line is tried with the formats in order, the most particular first, until one is chosen:
 * at once when the line can be of no other format, else when {@value #LINES_TO_CHOOSE} lines have
 * been of the same one with none of another between. A line that is not of the chosen format is
 * tried with the others too, and {@value #LINES_TO_CHOOSE} such lines of one format with none of
 * the chosen between make that the chosen one. So no line is lost, before or after. The expressions
 * of {@code regex} take no part.
 *
 * <p>Confined to one thread.
 */
final class AutoFormat implements LineFormat {
  static final int LINES_TO_CHOOSE = 3;

  /**
   * One format to try.
   *
   * @param unmistakable whether a line of it can be of no other format
   */
  private record Candidate(LineFormat format, boolean unmistakable) {}

  private static final int NONE = -1;

  private final List<Candidate> candidates;
  private final Consumer<String> listener;
  private int chosen = NONE;
  private int rival = NONE;
  private int rivalLines;

  private AutoFormat(List<Candidate> candidates, Consumer<String> listener) {
    this.candidates = candidates;
    this.listener = listener;
  }

  static AutoFormat of(FormatOptions options) {
    LocalZone zone = new LocalZone(options.timeZone(), options.reference());
    TimestampFormat anyTime = new AnyTimestamp(zone);
    return new AutoFormat(
        List.of(
            new Candidate(new TraefikJsonFormat(anyTime), true),
            new Candidate(new CaddyJsonFormat(anyTime), true),
            new Candidate(new EnvoyGatewayJsonFormat(anyTime, true), true),
            new Candidate(new NginxJsonFormat(anyTime), false),
            new Candidate(new EnvoyTextFormat(zone), true),
            new Candidate(new SshdFormat(zone), true),
            new Candidate(new TraefikClfFormat(true), false),
            new Candidate(new CombinedFormat(CombinedFormat.Variant.VHOST_COMBINED, true), false),
            new Candidate(new CombinedFormat(CombinedFormat.Variant.COMMON, true), false),
            new Candidate(new CombinedFormat(CombinedFormat.Variant.COMBINED, true), false)),
        options.chosen());
  }

  /** The chosen format's name, or {@code auto} before one is chosen. */
  @Override
  public String name() {
    return chosen == NONE ? "auto" : format(chosen).name();
  }

  @Override
  public boolean parse(byte[] line, int from, int to, RequestFacts facts) {
    if (chosen != NONE && format(chosen).parse(line, from, to, facts)) {
      rivalLines = 0;
      return true;
    }
    for (int i = 0; i < candidates.size(); i++) {
      if (i != chosen && format(i).parse(line, from, to, facts)) {
        count(i);
        return true;
      }
    }
    return false;
  }

  private void count(int candidate) {
    rivalLines = candidate == rival ? rivalLines + 1 : 1;
    rival = candidate;
    boolean clear = chosen == NONE && candidates.get(candidate).unmistakable;
    if (clear || rivalLines >= LINES_TO_CHOOSE) {
      chosen = candidate;
      rivalLines = 0;
      listener.accept(format(candidate).name());
    }
  }

  private LineFormat format(int candidate) {
    return candidates.get(candidate).format;
  }
}
