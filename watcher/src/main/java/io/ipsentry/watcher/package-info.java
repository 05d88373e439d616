/**
 * Lines to bans: wires sources, formats, rules and the ban log, live ({@link
 * io.ipsentry.watcher.Watcher}), over finished files ({@link io.ipsentry.watcher.Replay}) and line
 * by line with reasons ({@link io.ipsentry.watcher.Explain}).
 */
@NullMarked
package io.ipsentry.watcher;

import org.jspecify.annotations.NullMarked;
