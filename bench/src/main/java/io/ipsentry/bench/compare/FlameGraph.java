package io.ipsentry.bench.compare;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordingFile;
import org.jspecify.annotations.Nullable;

/**
 * The samples of processor time of a flight recording ({@code jdk.CPUTimeSample}), as a tree of
 * methods by who called them.
 */
final class FlameGraph {
  private static final int WIDTH = 1_200;
  private static final int ROW = 17;
  private static final int TOP = 4;

  /** Of all samples; what has fewer is not drawn. */
  private static final double LEAST_SHARE = 0.01;

  /** Of a character of the font, on average. */
  private static final double CHARACTER = 6.3;

  private final Frame root = new Frame("all");
  private final Map<String, Long> self = new HashMap<>();

  /** A method in one place of the tree. */
  private static final class Frame {
    private final String name;
    private final Map<String, Frame> callees = new TreeMap<>();
    private long samples;

    Frame(String name) {
      this.name = name;
    }
  }

  private FlameGraph() {}

  /** Reads a recording. */
  static FlameGraph read(Path recording) throws IOException {
    FlameGraph graph = new FlameGraph();
    try (RecordingFile file = new RecordingFile(recording)) {
      while (file.hasMoreEvents()) {
        RecordedEvent event = file.readEvent();
        if (event.getEventType().getName().equals("jdk.CPUTimeSample")) {
          graph.add(event.getStackTrace());
        }
      }
    }
    return graph;
  }

  private void add(@Nullable RecordedStackTrace stack) {
    if (stack == null) {
      return;
    }
    root.samples++;
    Frame frame = root;
    for (RecordedFrame recorded : stack.getFrames().reversed()) {
      String name = name(recorded.getMethod());
      frame = frame.callees.computeIfAbsent(name, Frame::new);
      frame.samples++;
    }
    self.merge(frame.name, 1L, Long::sum);
  }

  /** Class without package, and method. */
  private static String name(RecordedMethod method) {
    String type = method.getType().getName();
    // A hidden class carries its address.
    String plain = type.replaceAll("[/+]0x[0-9a-f]+.*", "").replaceAll("\\.0x[0-9a-f]+", "");
    return plain + "." + method.getName();
  }

  private static String brief(String name) {
    int method = name.lastIndexOf('.');
    return method < 0 ? name : name.substring(name.lastIndexOf('.', method - 1) + 1);
  }

  long samples() {
    return root.samples;
  }

  /** The methods with the most samples of their own, as rows of a table. */
  String top(int count) {
    StringBuilder rows = new StringBuilder("| share | method |\n|---|---|\n");
    self.entrySet().stream()
        .sorted(
            Map.Entry.<String, Long>comparingByValue()
                .reversed()
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(count)
        .forEach(entry ->
            rows.append(
                String.format(
                    Locale.ROOT,
                    "| %.1f %% | `%s` |%n",
                    100.0 * entry.getValue() / root.samples,
                    entry.getKey())));
    return rows.toString();
  }

  /** As SVG, callers below what they call. */
  String svg() {
    List<String> boxes = new ArrayList<>();
    int depth = depth(root);
    int height = (depth + 1) * ROW + 2 * TOP;
    draw(root, 0, height - TOP - ROW, boxes);
    return """
    <svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">
    <rect width="100%%" height="100%%" fill="white"/>
    %s
    </svg>
    """
        .formatted(WIDTH, height, String.join("\n", boxes));
  }

  private boolean isDrawn(Frame frame) {
    return frame.samples >= root.samples * LEAST_SHARE;
  }

  private int depth(Frame frame) {
    return frame.callees.values().stream()
        .filter(this::isDrawn)
        .mapToInt(callee -> depth(callee) + 1)
        .max()
        .orElse(0);
  }

  private void draw(Frame frame, double x, int y, List<String> boxes) {
    double width = (double) WIDTH * frame.samples / root.samples;
    String text = brief(frame.name);
    int fitting = (int) ((width - 4) / CHARACTER);
    String shown =
        text.length() <= fitting ? text : fitting > 3 ? text.substring(0, fitting - 2) + ".." : "";
    boxes.add(
        String.format(
            Locale.ROOT,
            "<g><title>%s, %.1f %%</title><rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\""
                + " fill=\"%s\"/>%s</g>",
            escaped(frame.name),
            100.0 * frame.samples / root.samples,
            x,
            y,
            Math.max(width - 0.5, 0.5),
            ROW - 1,
            color(frame.name),
            shown.isEmpty()
                ? ""
                : String.format(
                    Locale.ROOT,
                    "<text x=\"%.1f\" y=\"%d\">%s</text>",
                    x + 2,
                    y + ROW - 5,
                    escaped(shown))));
    double at = x;
    List<Frame> callees = new ArrayList<>(frame.callees.values());
    callees.sort(Comparator.comparingLong((Frame callee) -> callee.samples).reversed());
    for (Frame callee : callees) {
      if (isDrawn(callee)) {
        draw(callee, at, y - ROW, boxes);
      }
      at += (double) WIDTH * callee.samples / root.samples;
    }
  }

  private static String color(String name) {
    if (name.startsWith("io.ipsentry.")) {
      return "#8cc4ea";
    }
    if (name.startsWith("io.netty.") || name.startsWith("io.grpc.")) {
      return "#b5dfae";
    }
    return name.startsWith("java.") || name.startsWith("jdk.") || name.startsWith("sun.")
        ? "#dfe2e6"
        : "#f3cf9c";
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
