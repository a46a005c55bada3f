// A failed result as an error that boundary events and people can work with. Pure.

/**
 * The error that a failed result throws. `code` is what boundary events compare: the designer's own where the failure is
 * mapped, otherwise the worker's. `details` is the result's `error` with its attempts.
 */
export function failure({ activity, id, result }) {
  const { error = {}, bpmnError } = result;
  const code = bpmnError?.code ?? error.code ?? 'INTERNAL';
  const message = bpmnError?.message ?? error.message ?? 'the result does not say why';
  const because = bpmnError && error.code ? `${error.code}, ` : '';
  const label = activity.name ? `${activity.name} (${activity.id})` : activity.id;
  return Object.assign(new Error(`${label} failed with ${code}: ${message} (${because}job ${id})`), {
    name: 'DataConnectorError',
    code,
    element: activity.id,
    job: id,
    details: error,
  });
}
