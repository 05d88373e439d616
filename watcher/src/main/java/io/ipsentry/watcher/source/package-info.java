/**
 * Where lines come from: followed files, finished files for a replay, standard input, the journal.
 *
 * <p>One thread polls all sources through a {@link io.ipsentry.watcher.source.SourceLoop}, so the
 * position of every source and whatever the handlers have counted belong to the same instant and
 * can be stored together.
 */
@NullMarked
package io.ipsentry.watcher.source;

import org.jspecify.annotations.NullMarked;
