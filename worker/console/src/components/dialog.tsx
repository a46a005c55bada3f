import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

import { texts } from '../texts';
import { ErrorAlert } from './alert';
import { Button, IconButton } from './button';
import { TextField } from './field';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  footer?: ComponentChildren;
  role?: 'dialog' | 'alertdialog';
  wide?: boolean;
  /** Neither Esc nor a button closes it. */
  stays?: boolean;
}

/** A modal dialog. The browser keeps the focus inside, closes it with Esc, and gives the focus back. */
export function Dialog({ title, onClose, children, footer, role = 'dialog', wide, stays }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const name = useId();
  useEffect(() => {
    const dialog = element.current;
    const before = document.activeElement as HTMLElement | null;
    dialog?.showModal();
    return () => {
      dialog?.close();
      if (before?.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      role={role}
      aria-labelledby={name}
      class={wide ? 'dialog dialog-wide' : 'dialog'}
      onCancel={(event) => {
        event.preventDefault();
        if (!stays && event.target === element.current) onClose();
      }}
    >
      <header class="dialog-header">
        <h2 id={name}>{title}</h2>
        {!stays && role === 'dialog' && <IconButton icon="x" label={texts.act.close} onClick={onClose} />}
      </header>
      <div class="dialog-body">{children}</div>
      {footer && <footer class="dialog-footer">{footer}</footer>}
    </dialog>
  );
}

interface QuestionProps {
  /** The act: "Delete Rates". */
  title: string;
  /** What happens, to how many. */
  text: string;
  /** Verb and number: "Replay 34 jobs". */
  act: string;
  /** Has to be typed before the act. */
  confirm?: string | null;
  destroys?: boolean;
  onAct: () => Promise<void> | void;
  onClose: () => void;
  children?: ComponentChildren;
  ready?: boolean;
  back?: string;
}

/** Asks before something is destroyed or called on the server. */
export function Question({
  title,
  text,
  act,
  confirm,
  destroys = true,
  onAct,
  onClose,
  children,
  ready = true,
  back,
}: QuestionProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const cancel = useRef<HTMLSpanElement>(null);
  useEffect(() => cancel.current?.querySelector('button')?.focus(), []);
  const go = async () => {
    setBusy(true);
    setError(null);
    try {
      await onAct();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      role="alertdialog"
      title={title}
      onClose={onClose}
      footer={
        <>
          <span ref={cancel}>
            <Button onClick={onClose}>{back ?? texts.act.cancel}</Button>
          </span>
          <Button
            kind={destroys ? 'danger' : 'primary'}
            disabled={busy || !ready || (confirm != null && typed !== confirm)}
            onClick={go}
          >
            {act}
          </Button>
        </>
      }
    >
      <p>{text}</p>
      {children}
      {confirm != null && <TextField label={texts.act.typeToConfirm(confirm)} value={typed} onInput={setTyped} />}
      {error !== null && <ErrorAlert error={error} />}
    </Dialog>
  );
}
