import { LinkButton } from '../../components/button';
import { Page } from '../../components/page';
import { Empty } from '../../components/table';
import { texts } from '../../texts';

export default function NotFound() {
  return (
    <Page title={texts.notFound.title}>
      <Empty icon="search-x" text={texts.notFound.text} hint={texts.notFound.hint}>
        <LinkButton href="/overview" icon="gauge">
          {texts.places.overview}
        </LinkButton>
      </Empty>
    </Page>
  );
}
