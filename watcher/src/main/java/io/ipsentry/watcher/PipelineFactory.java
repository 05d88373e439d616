package io.ipsentry.watcher;

import io.ipsentry.config.ClientConfig;
import io.ipsentry.config.FormatConfig;
import io.ipsentry.config.SourceConfig;
import io.ipsentry.detection.HitSink;
import io.ipsentry.fail2ban.CompiledFilter;
import io.ipsentry.fail2ban.FilterFormat;
import io.ipsentry.line.ClientAddressResolver;
import io.ipsentry.line.FormatOptions;
import io.ipsentry.line.LineDecoder;
import io.ipsentry.line.LineFormats;
import io.ipsentry.line.LocalZone;
import io.ipsentry.rule.RuleMatcher;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.function.BiConsumer;

/**
 * Makes the pipeline of each stream, as its source is configured.
 *
 * @param defaultZone zone of stamps that name none, where the source does not say
 * @param reference tells which year a stamp without one belongs to
 * @param formatChosen told the label of a stream and the format that {@code auto} settled on
 * @param watch is shown who asks
 */
record PipelineFactory(
    ZoneId defaultZone,
    InstantSource reference,
    BiConsumer<String, String> formatChosen,
    RequestWatch watch) {

  /** For pipelines that tell nobody who asks. */
  PipelineFactory(
      ZoneId defaultZone, InstantSource reference, BiConsumer<String, String> formatChosen) {
    this(defaultZone, reference, formatChosen, RequestWatch.NONE);
  }

  LinePipeline open(
      SourceConfig source, String label, RuleMatcher matcher, LineCounters counters, HitSink sink) {
    return new LinePipeline(
        decoder(source, label), matcher, resolver(source), counters, sink, watch);
  }

  LineDecoder decoder(SourceConfig source, String label) {
    FormatConfig format = source.format();
    ZoneId zone = source.timeZone();
    if (format.filter() != null) {
      LocalZone local = new LocalZone(zone == null ? defaultZone : zone, reference);
      return LineFormats.decoder(
          new FilterFormat(CompiledFilter.compile(format.filter()), local), local);
    }
    FormatOptions options =
        FormatOptions.of(zone == null ? defaultZone : zone, reference)
            .withRegex(format.regex(), format.logRegex())
            .withChosen(chosen -> formatChosen.accept(label, chosen));
    return LineFormats.decoder(format.name(), options);
  }

  static ClientAddressResolver resolver(SourceConfig source) {
    ClientConfig client = source.client();
    ClientAddressResolver.Mode mode =
        switch (client.from()) {
          case AUTO -> ClientAddressResolver.Mode.AUTO;
          case PEER -> ClientAddressResolver.Mode.PEER;
          case HEADER -> ClientAddressResolver.Mode.HEADER;
          case X_FORWARDED_FOR -> ClientAddressResolver.Mode.X_FORWARDED_FOR;
        };
    return new ClientAddressResolver(
        new ClientAddressResolver.Settings(
            mode, source.trustedProxies().prefixes(), client.trustedHops(), source.seenAs()));
  }
}
