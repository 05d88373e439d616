/**
 * What is told to systems outside: the port {@link io.ipsentry.sink.BanSink}, what they ought to
 * hold ({@link io.ipsentry.sink.DesiredBans}), how they are brought there ({@link
 * io.ipsentry.sink.SinkPlan}, {@link io.ipsentry.sink.SinkLoop}), and the texts of messages.
 */
@NullMarked
package io.ipsentry.sink;

import org.jspecify.annotations.NullMarked;
