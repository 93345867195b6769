// What the published libraries expect Grafana's core to supply: field options, transformers, the running of queries.
import {
  EventBusSrv, FieldConfigProperty, FieldType, LoadingState, createTheme, dataLinksOverrideProcessor, displayNameOverrideProcessor,
  booleanOverrideProcessor, identityOverrideProcessor, numberOverrideProcessor, standardEditorsRegistry, standardFieldConfigEditorRegistry,
  standardTransformers, standardTransformersRegistry, stringOverrideProcessor, thresholdsOverrideProcessor, toDataFrame,
  unitOverrideProcessor, valueMappingsOverrideProcessor,
} from '@grafana/data';
import { config, setAppEvents, setEchoSrv, setPluginImportUtils, setRunRequest } from '@grafana/runtime';
import { Observable } from 'rxjs';

const nothing = () => null;
const isNumber = (field) => field.type === FieldType.number;
const option = (id, process, shouldApply = () => true) => ({ id, path: id, name: id, editor: nothing, override: nothing, process, shouldApply, settings: {} });

const OPTIONS = [
  option(FieldConfigProperty.DisplayName, displayNameOverrideProcessor),
  option(FieldConfigProperty.Unit, unitOverrideProcessor, isNumber),
  option(FieldConfigProperty.Min, numberOverrideProcessor, isNumber),
  option(FieldConfigProperty.Max, numberOverrideProcessor, isNumber),
  option(FieldConfigProperty.Decimals, numberOverrideProcessor, isNumber),
  option(FieldConfigProperty.Color, identityOverrideProcessor),
  option(FieldConfigProperty.NoValue, stringOverrideProcessor),
  option(FieldConfigProperty.Links, dataLinksOverrideProcessor),
  option(FieldConfigProperty.Mappings, valueMappingsOverrideProcessor),
  option(FieldConfigProperty.Thresholds, thresholdsOverrideProcessor),
  option(FieldConfigProperty.Filterable, booleanOverrideProcessor),
];

function run(source, request) {
  const answer = (state, series, errors) => ({ state, series, errors, error: errors?.[0], timeRange: request.range, request });
  return new Observable((subscriber) => {
    subscriber.next(answer(LoadingState.Loading, []));
    source.query(request).then(
      (found) => answer(LoadingState.Done, found.data.map(toDataFrame)),
      (error) => {
        window.failures.push(String(error));
        return answer(LoadingState.Error, [], [{ message: String(error) }]);
      }
    ).then((last) => {
      subscriber.next(last);
      subscriber.complete();
    });
  });
}

export function initRuntime(mode) {
  config.theme2 = createTheme({ colors: { mode } });
  config.buildInfo = { version: '13.2.2' };
  setAppEvents(new EventBusSrv());
  setEchoSrv({ addEvent() {}, flush() {}, addBackend() {} });
  setPluginImportUtils({
    importPanelPlugin: async (id) => { throw new Error(`no panel of type ${id}`); },
    getPanelPluginFromCache: () => undefined,
  });
  standardEditorsRegistry.setInit(() => []);
  standardFieldConfigEditorRegistry.setInit(() => OPTIONS);
  const known = Object.values(standardTransformers).filter((one) => one?.id);
  const listed = known.map((one) => [one.id, { id: one.id, name: one.name, transformation: async () => one, editor: nothing }]);
  standardTransformersRegistry.setInit(() => [...new Map(listed).values()]);
  setRunRequest(run);
}
