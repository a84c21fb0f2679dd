//! Query languages that public interfaces offer: OData, RSQL, Lucene, PostgREST, GraphQL, search documents.

use serde_json::json;

use super::browser::jwt;
use super::shop::sentence;
use super::{Dice, Request, component, form, lines, sparingly};

const FILTERS: &str = include_str!("data/filters.txt");
const SEARCHES: &str = include_str!("data/searches.txt");

/// Query languages that resemble SQL and that a public interface takes whole: SOQL, InfluxQL, those of document stores.
const QUERIES: &[&str] = &[
    "SELECT Id, Name, (SELECT LastName FROM Contacts) FROM Account WHERE Industry = 'Media' LIMIT 10",
    "SELECT Id FROM Case WHERE CreatedDate = LAST_N_DAYS:30 AND Subject LIKE '%it''s%'",
    "SELECT mean(\"usage_user\") FROM \"cpu\" WHERE \"host\" = 'web-1' AND time > now() - 1h GROUP BY time(5m) fill(null)",
    "SELECT * FROM c WHERE c.type = 'order' AND c.total > 100",
    "SELECT COUNT(*) FROM Transaction WHERE appName = 'shop' FACET name SINCE 1 day ago",
];

/// A filter in the query string, encoded with more or less care.
pub(crate) fn public_filter(dice: &mut Dice) -> Request {
    let filters = lines(FILTERS);
    let pairs: Vec<String> = filters[dice.below(filters.len())]
        .split('&')
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = value.replace("%25", "%");
            match dice.below(3) {
                0 => format!("{}={}", component(name), component(&value)),
                1 => format!("{name}={}", form(&value)),
                _ => format!("{name}={}", sparingly(&value).replace('&', "%26")),
            }
        })
        .collect();
    let path = dice.pick(&[
        "/odata/v4/Products",
        "/api/v1/orders",
        "/rest/api/2/search",
        "/api/v1/query_range",
        "/items",
        "/solr/core/select",
    ]);
    Request::new(
        "public filter",
        "GET",
        format!("{path}?{}", pairs.join("&")),
    )
    .header("accept", "application/json")
    .header("authorization", format!("Bearer {}", jwt(dice)))
}

/// Queries and mutations with variables.
pub(crate) fn graphql(dice: &mut Dice) -> Request {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    let (name, query, variables) = match dice.below(5) {
        0 => (
            "Search",
            "query Search($q: String!, $first: Int = 20) {\n  products(query: $q, first: $first, filter: {price: {gte: 10}}) {\n    edges { node { id name price { amount currency } ...Rating } }\n    pageInfo { hasNextPage endCursor }\n  }\n}\nfragment Rating on Product { rating(max: 5) }",
            json!({"q": words}),
        ),
        1 => (
            "AddComment",
            "mutation AddComment($input: AddCommentInput!) { addComment(input: $input) { comment { id body author { __typename login } } errors { field message } } }",
            json!({"input": {"subjectId": "MDU6SXNzdWUx", "body": sentence(dice)}}),
        ),
        2 => (
            "UpdateUser",
            "mutation UpdateUser($id: ID!, $patch: UserPatch!) { updateUser(id: $id, patch: $patch) { user { id } } }",
            json!({"id": dice.uuid(), "patch": {"name": "Seán O'Brien", "bio": sentence(dice), "deletedAt": null}}),
        ),
        3 => (
            "Orders",
            "query Orders($where: orders_bool_exp) { orders(where: $where, order_by: {created_at: desc}, limit: 10) { id total items_aggregate { aggregate { count } } } }",
            json!({"where": {"_and": [{"status": {"_in": ["open", "new"]}}, {"total": {"_gte": 100}}, {"note": {"_ilike": "%gift%"}}]}}),
        ),
        _ => (
            "Delete",
            "mutation { deleteCartLines(cartId: \"gid://shop/Cart/1\", lineIds: [\"a\", \"b\"]) { cart { id } userErrors { message } } }",
            json!({}),
        ),
    };
    if dice.once_in(4) && !query.starts_with("mutation") {
        return Request::new(
            "graphql query string",
            "GET",
            format!(
                "/graphql?operationName={name}&query={}&variables={}&extensions={}",
                component(query),
                component(&variables.to_string()),
                component(
                    &json!({"persistedQuery": {"version": 1, "sha256Hash": dice.hex(64)}})
                        .to_string()
                )
            ),
        );
    }
    Request::new("graphql call", "POST", "/graphql")
        .header("x-apollo-operation-name", name)
        .json(&json!({"operationName": name, "query": query, "variables": variables}))
}

/// A search document, as clients of search engines and document stores write it.
pub(crate) fn elastic(dice: &mut Dice) -> Request {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    let body = match dice.below(5) {
        4 => {
            json!({"query": dice.pick(QUERIES), "db": "metrics", "fetchSize": 100})
        }
        0 => {
            json!({"query": {"bool": {"must": [{"match": {"title": {"query": words, "fuzziness": "AUTO"}}}], "filter": [{"range": {"price": {"gte": 10, "lt": 20}}}, {"term": {"status": "open"}}], "must_not": {"exists": {"field": "deleted_at"}}}}, "sort": [{"date": {"order": "desc"}}, "_score"], "aggs": {"brands": {"terms": {"field": "brand.keyword", "size": 10}}}})
        }
        1 => {
            json!({"filter": {"and": [{"property": "Status", "select": {"equals": "In progress"}}, {"property": "Name", "title": {"contains": words}}]}, "sorts": [{"timestamp": "created_time", "direction": "descending"}], "page_size": 50})
        }
        2 => {
            json!({"requests": [{"indexName": "prod", "params": format!("query={}&hitsPerPage=20&facets=%5B%22*%22%5D&filters=NOT%20brand%3A'H%26M'&highlightPreTag=%3Cmark%3E", form(words))}]})
        }
        _ => {
            json!({"q": words, "filter": ["year > 2010", "tags IN [a, b]", ["stock = true", "preorder = true"]], "attributesToRetrieve": ["id", "name"], "limit": 10, "showRankingScore": true})
        }
    };
    Request::new(
        "search document",
        "POST",
        "/api/items/_search?pretty&filter_path=hits.hits._source",
    )
    .json(&body)
}

/// A search box that asks with every key.
pub(crate) fn autocomplete(dice: &mut Dice) -> Request {
    let searches = lines(SEARCHES);
    let words = searches[dice.below(searches.len())];
    let end = words
        .char_indices()
        .map(|(at, _)| at)
        .nth(dice.below(words.chars().count().max(1)))
        .unwrap_or(words.len());
    Request::new(
        "autocomplete",
        "GET",
        format!(
            "/api/suggest?term={}&limit=10&_=1732000000",
            component(words.get(..end).unwrap_or(words))
        ),
    )
    .header("x-requested-with", "XMLHttpRequest")
    .header("accept", "application/json, text/javascript, */*; q=0.01")
}
