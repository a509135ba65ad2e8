import { ApiError } from '../api-error.ts'
import { faultsPath as path, type FaultTable } from '../faults/fault-table.ts'
import type { ApiAnswer, ApiRequest } from '../http/api-request.ts'
import type { Operation } from '../http/operation.ts'

/** Orders of faults from other processes; not part of Consul's API. */
export function faultOperations(faults: FaultTable): Operation[] {
  return [
    { method: 'GET', path, takesName: false, answer: () => ({ json: faults.list() }) },
    {
      method: 'PUT',
      path,
      takesName: false,
      answer: async ({ body }) => ({ json: { id: faults.order(await body()) } }),
    },
    { method: 'DELETE', path, takesName: true, answer: (request) => undo(faults, request) },
  ]
}

function undo(faults: FaultTable, { name }: ApiRequest): ApiAnswer {
  if (name === '') faults.undoAll()
  else if (!faults.undo(Number(name))) throw new ApiError(404, `No fault ${JSON.stringify(name)} holds`)
  return {}
}
