/**
 * Regular expressions over bytes: many at once in one pass ({@link
 * io.ipsentry.pattern.PatternSet}), one with its groups ({@link
 * io.ipsentry.pattern.CapturingPattern}), and request paths in their judged form ({@link
 * io.ipsentry.pattern.PathNormalizer}).
 *
 * <p>How an expression goes: {@code RegexParser} makes a {@code Node} tree, {@code ProgramCompiler}
 * a {@code Program}; a {@code PatternMatcher} runs the programs of a set as a lazily built
 * automaton, a {@code Backtracker} runs one program with groups. See docs/adr/0002-regex-engine.md.
 */
@NullMarked
package io.ipsentry.pattern;

import org.jspecify.annotations.NullMarked;
