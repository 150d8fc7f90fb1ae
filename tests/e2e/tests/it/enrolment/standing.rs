//! What headquarters thinks of a node: suspended, let in again, banned. The store sells on.

use super::{
    Api, Approval, PATIENCE, SERIAL, STORE, claiming, has_sales, hub, sell, stands, try_now, unclaimed,
};
use crate::support::wait::eventually;

#[tokio::test]
async fn a_node_that_is_banned_says_so_and_its_shop_sells_on() {
    let hub = hub(Approval::Auto);
    let claim = hub.claim(STORE).expect("a claim");
    let (store, node) = unclaimed();
    claiming(&store, &[&claim]).finish().exits(0);
    stands(&node, "stage", "active").await;
    let api = Api::new(node.url());
    sell(&api, "TEA-1", "one").await;
    has_sales(&hub, &store).await;

    hub.decide("suspend", STORE, SERIAL).expect("it is suspended");
    told(&node, "suspended").await;
    sell(&api, "TEA-2", "two").await;
    hub.decide("resume", STORE, SERIAL).expect("it is let in again");
    told(&node, "good").await;
    has_sales(&hub, &store).await;

    hub.decide("ban", STORE, SERIAL).expect("it is banned");
    told(&node, "banned").await;
    let before = super::sales_at(&hub).await;
    sell(&api, "CUP-1", "three").await;
    let health = api.health().await;
    assert_eq!(
        (&health["enrolment"]["standing"], &health["status"]),
        (&"banned".into(), &"degraded".into()),
        "{health}"
    );
    eventually("the metric", PATIENCE, async || {
        let banned = api.metric("aisle_enrolment_standing{standing=\"banned\"}").await;
        (banned == Some(1.0)).then_some(())
    })
    .await;
    assert!(super::sold(&store) > before, "the shop goes on");
    assert_eq!(super::sales_at(&hub).await, before, "a banned node tells the hub nothing");
}

async fn told(node: &aisle_harness::node::NodeUnderTest, expected: &str) {
    eventually(&format!("it hears that it is {expected}"), PATIENCE, async || {
        try_now(node).await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        super::standing(node).await.filter(|status| status["standing"] == expected)
    })
    .await;
}
