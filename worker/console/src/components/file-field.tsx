import { useId } from 'preact/hooks';

interface FileFieldProps {
  label: string;
  onFile: (file: File) => void;
  accept?: string;
  error?: string | null;
}

export function FileField({ label, onFile, accept, error }: FileFieldProps) {
  const id = useId();
  return (
    <div class={error ? 'field field-bad' : 'field'}>
      <label for={id}>{label}</label>
      <input
        id={id}
        class="file"
        type="file"
        accept={accept}
        aria-invalid={error ? 'true' : undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file) onFile(file);
        }}
      />
      {error && (
        <div class="field-error" id={`${id}-error`}>
          {error}
        </div>
      )}
    </div>
  );
}
