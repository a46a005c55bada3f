/** The colours that bpmn-js draws with: those of the page, as it cannot read custom properties. */
export function colors(): { defaultFillColor: string; defaultStrokeColor: string; defaultLabelColor: string } {
  return {
    defaultFillColor: resolved('var(--surface)'),
    defaultStrokeColor: resolved('var(--ink)'),
    defaultLabelColor: resolved('var(--ink)'),
  };
}

function resolved(color: string): string {
  const probe = document.createElement('span');
  probe.style.color = color;
  document.body.append(probe);
  const result = getComputedStyle(probe).color;
  probe.remove();
  return result;
}
