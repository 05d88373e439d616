package io.ipsentry.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A table of text that fits the terminal: columns as wide as their cells, the flexible ones cut
 * with {@code …} where there is no room. Cells are made printable.
 *
 * <p>Widths are taken from the first {@value #MEASURED_ROWS} rows, which are held back until then;
 * later rows are printed at once, and a wider cell pushes its line apart. Confined to one thread.
 */
final class Table {
  /** Rows that are looked at before the first line is printed. */
  static final int MEASURED_ROWS = 1_000;

  /** A flexible column is not cut below this. */
  private static final int MIN_FLEXIBLE_WIDTH = 8;

  private static final String GAP = "  ";

  private final PrintStream out;
  private final int width;
  private final Style style;
  private final List<Column> columns;
  private final List<String[]> heldRows = new ArrayList<>();
  private final int[] widths;
  private boolean measured;

  /**
   * A column.
   *
   * @param title in the head line
   * @param right aligned to the right, for numbers
   * @param flexible may be cut to make the line fit; the last flexible column is cut first
   */
  record Column(String title, boolean right, boolean flexible) {
    static Column text(String title) {
      return new Column(title, false, false);
    }

    static Column number(String title) {
      return new Column(title, true, false);
    }

    static Column flexible(String title) {
      return new Column(title, false, true);
    }
  }

  /**
   * Begins a table.
   *
   * @param width columns of the terminal; 0: lines may have any length
   */
  Table(PrintStream out, int width, Style style, List<Column> columns) {
    this.out = out;
    this.width = width;
    this.style = style;
    this.columns = List.copyOf(columns);
    widths = new int[columns.size()];
  }

  /** Begins a table on the output of a shell. */
  static Table on(Shell shell, Column... columns) {
    return new Table(
        shell.out(), shell.outWidth().getAsInt(), Style.of(shell), Arrays.asList(columns));
  }

  /** Adds a row, one cell a column. */
  void row(String... cells) {
    if (cells.length != columns.size()) {
      throw new IllegalArgumentException("a row needs a cell for every column");
    }
    String[] row = Arrays.stream(cells).map(Printable::of).toArray(String[]::new);
    if (measured) {
      print(row);
    } else {
      heldRows.add(row);
      if (heldRows.size() == MEASURED_ROWS) {
        flush();
      }
    }
  }

  /** Prints what is held back, with the head line if there was any row. */
  void flush() {
    if (!measured && !heldRows.isEmpty()) {
      measure();
      printHead();
      heldRows.forEach(this::print);
      heldRows.clear();
    }
    out.flush();
  }

  private void measure() {
    measured = true;
    for (int i = 0; i < widths.length; i++) {
      widths[i] = length(columns.get(i).title());
      for (String[] row : heldRows) {
        widths[i] = Math.max(widths[i], length(row[i]));
      }
    }
    if (width == 0) {
      return;
    }
    int excess = Arrays.stream(widths).sum() + GAP.length() * (widths.length - 1) - width;
    for (int i = widths.length - 1; i >= 0 && excess > 0; i--) {
      if (columns.get(i).flexible()) {
        int cut = Math.min(excess, Math.max(0, widths[i] - MIN_FLEXIBLE_WIDTH));
        widths[i] -= cut;
        excess -= cut;
      }
    }
  }

  private void printHead() {
    String[] titles = columns.stream().map(Column::title).toArray(String[]::new);
    out.println(style.bold(line(titles)));
  }

  private void print(String[] row) {
    out.println(line(row));
  }

  private String line(String[] cells) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < cells.length; i++) {
      Column column = columns.get(i);
      String cell = column.flexible() && width > 0 ? cut(cells[i], widths[i]) : cells[i];
      String padding = " ".repeat(Math.max(0, widths[i] - length(cell)));
      line.append(i == 0 ? "" : GAP);
      line.append(column.right() ? padding + cell : cell + padding);
    }
    String whole = line.toString().stripTrailing();
    return width == 0 ? whole : cut(whole, width);
  }

  private static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  private static String cut(String text, int columns) {
    return length(text) <= columns
        ? text
        : text.substring(0, text.offsetByCodePoints(0, columns - 1)) + "…";
  }
}
