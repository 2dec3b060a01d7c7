import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec, type Text } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { basicSetup } from 'codemirror';
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react';
import type { FileProblem } from '../../contract/request.ts';
import { changeBetween } from './text-change.ts';

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '0.84rem', color: 'var(--text)', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.6', fontVariantLigatures: 'none' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '8px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-gutters': { color: 'var(--text-faint)', backgroundColor: 'var(--surface)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter': { backgroundColor: 'var(--raised)' },
  '.cm-activeLineGutter': { color: 'var(--text-soft)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--accent) 24%, transparent)',
  },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-tint)' },
  '.cm-foldPlaceholder': {
    background: 'var(--raised)',
    border: '1px solid var(--line)',
    color: 'var(--text-soft)',
  },
  '.cm-tooltip, .cm-panels': {
    color: 'var(--text)',
    background: 'var(--surface)',
    border: '1px solid var(--line-strong)',
    borderRadius: '6px',
  },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad-mark)' },
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--bad-mark) 1px',
    textUnderlineOffset: '3px',
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: 'var(--accent)' },
  { tag: [tags.string, tags.content], color: 'var(--text)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--good)' },
  { tag: tags.comment, color: 'var(--text-faint)', fontStyle: 'italic' },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: 'var(--text-faint)' },
  { tag: [tags.typeName, tags.labelName], color: 'var(--warning)' },
]);

/** Where a problem is in the text, up to the end of the word there. Lines and columns count from 1. */
function placeOf(doc: Text, { line, column }: FileProblem): { from: number; to: number } {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(at.from + Math.max(column, 1) - 1, at.to);
  const word = /^[^\s,:\]}]+/.exec(at.text.slice(from - at.from))?.[0].length ?? 0;
  return { from, to: Math.min(at.to, from + Math.max(word, 1)) };
}

export interface EditorHandle {
  /** Puts the cursor where a problem is. */
  readonly goTo: (problem: FileProblem) => void;
}

/** The lab file as text. What is typed is told by `onChange`; a `text` that comes from elsewhere changes only what differs. */
export function Editor({
  text,
  onChange,
  problems,
  onSubmit,
  ref,
}: {
  text: string;
  onChange: (text: string) => void;
  problems: readonly FileProblem[];
  onSubmit: () => void;
  ref: Ref<EditorHandle>;
}) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, onSubmit });
  useEffect(() => {
    latest.current = { onChange, onSubmit };
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made once; its text follows below.
  useEffect(() => {
    if (box.current === null) return;
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          Prec.highest(
            keymap.of([
              {
                key: 'Mod-Enter',
                run: () => {
                  latest.current.onSubmit();
                  return true;
                },
              },
            ]),
          ),
          basicSetup,
          yaml(),
          lintGutter(),
          look,
          syntaxHighlighting(colours),
          EditorView.contentAttributes.of({
            'aria-label': 'Lab file, YAML',
            spellcheck: 'false',
            tabindex: '0',
          }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) latest.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const change = view.current && changeBetween(view.current.state.doc.toString(), text);
    if (change) view.current?.dispatch({ changes: change });
  }, [text]);

  useEffect(() => {
    const made = view.current;
    if (made === null) return;
    const diagnostics = problems.map(
      (problem): Diagnostic => ({
        ...placeOf(made.state.doc, problem),
        severity: 'error',
        message: problem.message,
      }),
    );
    made.dispatch(setDiagnostics(made.state, diagnostics));
  }, [problems]);

  useImperativeHandle(ref, () => ({
    goTo: (problem) => {
      const made = view.current;
      if (made === null) return;
      const { from } = placeOf(made.state.doc, problem);
      made.dispatch({
        selection: { anchor: from },
        effects: EditorView.scrollIntoView(from, { y: 'center' }),
      });
      made.focus();
    },
  }));

  return <div ref={box} style={{ height: '100%', minHeight: 0 }} />;
}
