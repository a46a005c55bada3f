// The least page that ProcessMaker's modeler runs in, with the plug-in.

import 'bootstrap/dist/css/bootstrap.css';
import 'bootstrap-vue/dist/bootstrap-vue.css';

import VueI18Next from '@panter/vue-i18next';
import ScreenBuilder from '@processmaker/screen-builder';
import { Multiselect } from '@processmaker/vue-multiselect';
import { FontAwesomeIcon } from '@fortawesome/vue-fontawesome';
import BootstrapVue from 'bootstrap-vue';
import i18next from 'i18next';
import Vue from 'vue';
import * as VueDeepSet from 'vue-deepset';
import * as processmaker from '@processmaker/modeler';

import { hostFromRecords } from '../../src/host/records';
import { connectorOf } from '../../src/host/record';
import { registerDataConnector } from '../plugin';
import '../../src/parts.css';
import iconUrl from '../icon.svg?url';
import records from '../../demo/records.json';

const { Modeler, registerNodes, serviceTask } = processmaker.default ?? processmaker;
const eventBus = new Vue();
window.ProcessMaker = {
  EventBus: eventBus,
  apiClient: { get: () => Promise.resolve({ data: { data: [] } }), post: () => Promise.resolve({ data: {} }) },
  alert: () => {},
  navbar: { alerts: [] },
  multiplayer: { enabled: false },
  modeler: { process: { id: 1 } },
  user: { id: 1 },
};

Vue.config.productionTip = false;
for (const plugin of [BootstrapVue, VueDeepSet, VueI18Next, ScreenBuilder]) Vue.use(plugin);
Vue.component('font-awesome-icon', FontAwesomeIcon);
Vue.component('Multiselect', Multiselect);
i18next.init({ lng: 'en', resources: { en: { translation: {} } } });
Vue.mixin({ i18n: new VueI18Next(i18next) });

eventBus.$on('modeler-init', registerNodes);
registerDataConnector({ serviceTask, connectors: records.map((record) => connectorOf(record)), host: hostFromRecords(records), iconUrl, eventBus });

eventBus.$on('modeler-start', ({ loadXML }) => {
  window.loadXML = loadXML;
});
new Vue({
  data: { xmlManager: null },
  mounted() {
    window.ProcessMaker.$modeler = this.$refs.modeler;
    window.saveXML = () => new Promise((resolve, reject) => this.$refs.modeler.toXML((error, xml) => (error ? reject(error) : resolve(xml))));
  },
  render(h) {
    return h('div', { style: { height: '100vh', position: 'relative' } }, [
      h(Modeler, { ref: 'modeler', props: { owner: this, decorations: { borderOutline: {} } }, on: { 'set-xml-manager': (manager) => (this.xmlManager = manager) } }),
    ]);
  },
}).$mount('#app');
