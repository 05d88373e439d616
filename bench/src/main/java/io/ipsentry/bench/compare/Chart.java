package io.ipsentry.bench.compare;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.geom.Line2D;
import java.awt.geom.Rectangle2D;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.text.NumberFormat;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jfree.chart.ChartUtils;
import org.jfree.chart.JFreeChart;
import org.jfree.chart.axis.CategoryAxis;
import org.jfree.chart.axis.LogAxis;
import org.jfree.chart.axis.NumberAxis;
import org.jfree.chart.axis.NumberTickUnit;
import org.jfree.chart.axis.ValueAxis;
import org.jfree.chart.block.BlockBorder;
import org.jfree.chart.plot.CategoryPlot;
import org.jfree.chart.plot.PlotOrientation;
import org.jfree.chart.renderer.category.BarRenderer;
import org.jfree.chart.renderer.category.CategoryItemRendererState;
import org.jfree.chart.renderer.category.StandardBarPainter;
import org.jfree.chart.ui.RectangleEdge;
import org.jfree.data.category.CategoryDataset;
import org.jfree.data.category.DefaultCategoryDataset;

/** A section as bars: medians, with a line from the lowest to the highest round. */
final class Chart {
  private static final int WIDTH = 900;
  private static final int HEIGHT_OF_BAR = 16;
  private static final int HEIGHT_OF_GROUP = 14;
  private static final int HEIGHT_OF_REST = 120;

  /** Beyond this ratio of the longest bar to the shortest the axis is logarithmic. */
  private static final double LINEAR = 20;

  private static final Color[] OWN = {
    new Color(0x1b6ca8), new Color(0x4f9fd6), new Color(0x8cc4ea), new Color(0xb9dcf3)
  };
  private static final Color[] PEER = {
    new Color(0xd9822b),
    new Color(0xa85d3d),
    new Color(0xe6b566),
    new Color(0xc9554a),
    new Color(0x8a6d3b)
  };
  private static final Color[] LIMIT = {
    new Color(0x8a8f98), new Color(0xb9bdc4), new Color(0x5d626b)
  };

  private Chart() {}

  /**
   * Draws the chart of a section; false, and no file, where nothing of it was measured, or all is
   * 0.
   */
  static boolean draw(Results results, Section section, Path file) throws IOException {
    List<Metric> metrics =
        Metric.of(section).stream().filter(metric -> !results.of(metric).isEmpty()).toList();
    if (metrics.isEmpty()) {
      return false;
    }
    Set<String> subjects = new LinkedHashSet<>();
    metrics.forEach(metric -> subjects.addAll(results.of(metric).keySet()));
    List<String> rows = new ArrayList<>(subjects);
    DefaultCategoryDataset medians = new DefaultCategoryDataset();
    double least = Double.MAX_VALUE;
    double most = 0;
    int bars = 0;
    for (Metric metric : metrics) {
      for (String subject : rows) {
        Spread spread = results.of(metric).get(subject);
        medians.addValue(spread == null ? null : (Number) spread.median(), subject, metric.title);
        if (spread != null) {
          least = spread.median() > 0 ? Math.min(least, spread.median()) : least;
          most = Math.max(most, spread.most());
        }
        bars++;
      }
    }
    if (most == 0) {
      return false;
    }
    boolean isLogarithmic = most / least > LINEAR;
    double floor = isLogarithmic ? Math.pow(10, Math.floor(Math.log10(least)) - 1) : 0;
    Bars renderer = new Bars(results, metrics, rows, floor);
    CategoryPlot plot =
        new CategoryPlot(
            medians, new CategoryAxis(), axis(metrics, isLogarithmic, floor, most), renderer);
    plot.setOrientation(PlotOrientation.HORIZONTAL);
    plot.setBackgroundPaint(Color.WHITE);
    plot.setRangeGridlinePaint(new Color(0xd5d8dd));
    plot.setOutlineVisible(false);
    JFreeChart chart =
        new JFreeChart(section.title, new Font(Font.SANS_SERIF, Font.BOLD, 15), plot, true);
    chart.setBackgroundPaint(Color.WHITE);
    chart.getLegend().setFrame(BlockBorder.NONE);
    chart.getLegend().setPosition(RectangleEdge.BOTTOM);
    int height = HEIGHT_OF_REST + HEIGHT_OF_GROUP * metrics.size() + HEIGHT_OF_BAR * bars;
    Path whole = file.resolveSibling(file.getFileName() + ".new");
    ChartUtils.saveChartAsPNG(whole.toFile(), chart, WIDTH, height);
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
    return true;
  }

  private static ValueAxis axis(
      List<Metric> metrics, boolean isLogarithmic, double floor, double most) {
    Metric first = metrics.getFirst();
    String label = first.unit + (first.isMoreBetter ? " (more is better)" : " (less is better)");
    if (metrics.stream().anyMatch(metric -> metric.isMoreBetter != first.isMoreBetter)) {
      label = first.unit;
    }
    if (isLogarithmic) {
      LogAxis axis = new LogAxis(label + ", logarithmic");
      axis.setSmallestValue(floor);
      axis.setTickUnit(new NumberTickUnit(1));
      axis.setRange(floor, most * 4);
      axis.setNumberFormatOverride(NumberFormat.getInstance(Locale.ROOT));
      return axis;
    }
    NumberAxis axis = new NumberAxis(label);
    axis.setRange(0, most * 1.2);
    axis.setNumberFormatOverride(NumberFormat.getInstance(Locale.ROOT));
    return axis;
  }

  private static Color color(List<String> rows, int row) {
    Subject.Kind kind = Subject.kind(rows.get(row));
    long before = rows.subList(0, row).stream().filter(each -> Subject.kind(each) == kind).count();
    Color[] colors =
        switch (kind) {
          case OWN -> OWN;
          case PEER -> PEER;
          case LIMIT -> LIMIT;
        };
    return colors[(int) before % colors.length];
  }

  /** Bars with their spread and their median in digits. */
  private static final class Bars extends BarRenderer {
    private static final long serialVersionUID = 1;

    private final transient Results results;
    private final transient List<Metric> metrics;
    private final transient List<String> rows;

    Bars(Results results, List<Metric> metrics, List<String> rows, double floor) {
      this.results = results;
      this.metrics = metrics;
      this.rows = rows;
      setBarPainter(new StandardBarPainter());
      setShadowVisible(false);
      setItemMargin(0.05);
      setBase(floor);
      setIncludeBaseInRange(false);
      for (int row = 0; row < rows.size(); row++) {
        setSeriesPaint(row, color(rows, row));
      }
    }

    @Override
    public void drawItem(
        Graphics2D graphics,
        CategoryItemRendererState state,
        Rectangle2D area,
        CategoryPlot plot,
        CategoryAxis domain,
        ValueAxis range,
        CategoryDataset data,
        int row,
        int column,
        int pass) {
      super.drawItem(graphics, state, area, plot, domain, range, data, row, column, pass);
      Metric metric = metrics.get(column);
      String subject = rows.get(row);
      Spread spread = results.of(metric).get(subject);
      if (spread == null) {
        return;
      }
      double width = state.getBarWidth();
      double middle =
          calculateBarW0(plot, PlotOrientation.HORIZONTAL, area, domain, state, row, column)
              + width / 2;
      double lowest = range.getLowerBound();
      double from =
          range.valueToJava2D(Math.max(spread.least(), lowest), area, plot.getRangeAxisEdge());
      double to =
          range.valueToJava2D(Math.max(spread.most(), lowest), area, plot.getRangeAxisEdge());
      graphics.setPaint(Color.BLACK);
      graphics.setStroke(new BasicStroke(1));
      graphics.draw(new Line2D.Double(from, middle, to, middle));
      graphics.draw(new Line2D.Double(from, middle - 2, from, middle + 2));
      graphics.draw(new Line2D.Double(to, middle - 2, to, middle + 2));
      graphics.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 11));
      graphics.drawString(Report.number(spread.median()), (float) to + 5, (float) middle + 4);
    }
  }
}
