// The error of a failed result, for boundary events and people. Pure.

/**
 * The error that a failed result throws. `code` is what boundary events compare: that of the error mapping if the
 * failure is mapped, otherwise the worker's. `details` is the result's `error` with its attempts.
 */
export function failure({ activity, id, result }) {
  const { error = {}, bpmnError } = result;
  const code = bpmnError?.code ?? error.code ?? 'INTERNAL';
  const message = bpmnError?.message ?? error.message ?? 'the result does not say why';
  const workerCode = bpmnError && error.code ? `${error.code}, ` : '';
  const label = activity.name ? `${activity.name} (${activity.id})` : activity.id;
  return Object.assign(new Error(`${label} failed with ${code}: ${message} (${workerCode}job ${id})`), {
    name: 'DataConnectorError',
    code,
    element: activity.id,
    job: id,
    details: error,
  });
}
