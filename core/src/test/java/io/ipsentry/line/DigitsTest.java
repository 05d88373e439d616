package io.ipsentry.line;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class DigitsTest {
  private static final Pattern STATUS = Pattern.compile("(\\d{3}|[-0])(?= |$)");
  private static final String BYTES = "049- x";
  private static final int LONGEST = 5;

  /** Every text of up to five of these bytes, with digits in front of it and behind it. */
  @Test
  void status_allShortTexts_asAnExpressionReadsThem() {
    for (int length = 0; length <= LONGEST; length++) {
      int texts = (int) Math.pow(BYTES.length(), length);
      for (int number = 0; number < texts; number++) {
        StringBuilder text = new StringBuilder();
        for (int rest = number, i = 0; i < length; i++, rest /= BYTES.length()) {
          text.append(BYTES.charAt(rest % BYTES.length()));
        }
        check(text.toString());
      }
    }
  }

  private static void check(String text) {
    byte[] b = ("7" + text + "777").getBytes(StandardCharsets.US_ASCII);
    RequestFacts facts = new RequestFacts();
    int behind = Digits.status(b, 1, 1 + text.length(), facts);

    Matcher expected = STATUS.matcher(text);
    if (!expected.lookingAt()) {
      assertThat(behind).as(text).isEqualTo(-1);
      assertThat(facts.status()).as(text).isZero();
      return;
    }
    assertThat(behind).as(text).isEqualTo(1 + expected.end());
    boolean none = expected.group().length() == 1;
    assertThat(facts.status()).as(text).isEqualTo(none ? 0 : Integer.parseInt(expected.group()));
  }
}
