package io.ipsentry.line;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Any bytes through every format: no exception, nothing outside of the line. */
final class LineFormatFuzzer {
  private static final List<LineFormat> FORMATS = formats();

  private static List<LineFormat> formats() {
    List<LineFormat> formats = new ArrayList<>();
    for (String name : LineFormats.names()) {
      if (!name.equals("regex") && !name.equals("fail2ban")) {
        formats.add(LineFormats.named(name, Lines.OPTIONS));
      }
    }
    return formats;
  }

  @FuzzTest(maxDuration = "2m")
  void parse_anyBytes_staysWithinTheLine(byte[] input) {
    RequestFacts facts = new RequestFacts();
    ClientAddressResolver resolver =
        new ClientAddressResolver(ClientAddressResolver.Settings.DEFAULT);
    for (LineFormat format : FORMATS) {
      if (ParsedLineChecks.parse(format, input, facts)) {
        resolver.resolve(facts, new ClientAddress());
      }
    }
  }

  @FuzzTest(maxDuration = "2m")
  void decode_anyLines_neverThrows(byte[] input) {
    LineDecoder decoder = LineFormats.decoder("auto", Lines.OPTIONS);
    RequestFacts facts = new RequestFacts();
    int from = 0;
    for (int i = 0; i <= input.length; i++) {
      if (i == input.length || input[i] == '\n') {
        byte[] line = Arrays.copyOfRange(input, from, i);
        decoder.decode(line, 0, line.length, facts);
        from = i + 1;
      }
    }
  }
}
